-- Which models have a profile's devices: one probe a model, however many devices there are.
DROP INDEX device_profile;
CREATE INDEX device_profile ON device (profile, model);
