-- A large import writes one row of the audit for a new object, with its further values in `more`: a JSON object, key to
-- value, in order. The audit of an import, ten rows a phone, was half of a large inventory and half of the time it took.
ALTER TABLE log ADD COLUMN more TEXT;
