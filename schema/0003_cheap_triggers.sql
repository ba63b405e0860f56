-- The feed and the audit for less: what the triggers of 0001 wrote by way of a view, a value at a time, these write at
-- once. The feed counts without AUTOINCREMENT (its newest row stays, so that no gen comes twice). What is written is the
-- same, row by row: tests/unit/test_triggers.py.

DROP TRIGGER audit_row;
DROP TRIGGER customer_added;
DROP TRIGGER customer_changed;
DROP TRIGGER customer_going;
DROP TRIGGER model_added;
DROP TRIGGER model_changed;
DROP TRIGGER model_going;
DROP TRIGGER profile_added;
DROP TRIGGER profile_changed;
DROP TRIGGER profile_going;
DROP TRIGGER account_added;
DROP TRIGGER account_changed;
DROP TRIGGER account_renamed;
DROP TRIGGER account_going;
DROP TRIGGER device_added;
DROP TRIGGER device_changing;
DROP TRIGGER device_mac;
DROP TRIGGER device_model;
DROP TRIGGER device_profile;
DROP TRIGGER device_customer;
DROP TRIGGER device_enabled;
DROP TRIGGER device_inventory_id;
DROP TRIGGER device_source;
DROP TRIGGER device_note;
DROP TRIGGER device_renamed;
DROP TRIGGER device_going;
DROP TRIGGER line_added;
DROP TRIGGER line_changed;
DROP TRIGGER line_going;
DROP TRIGGER setting_event_row;
DROP TRIGGER setting_added;
DROP TRIGGER setting_changed;
DROP TRIGGER setting_moved;
DROP TRIGGER setting_gone;
DROP VIEW setting_event;
DROP VIEW audit;

CREATE TABLE feed AS SELECT gen, kind, id FROM change;
DROP TABLE change;
-- gen is the clock: the newest row is never cut away.
CREATE TABLE change (
    gen INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL
) STRICT;
INSERT INTO change (gen, kind, id) SELECT gen, kind, id FROM feed;
DROP TABLE feed;

-- What begins every row of the audit. One row; joined behind the values, which so need no table of their own.
CREATE VIEW who (gen, time, login, via, reason) AS
    SELECT (SELECT max(gen) FROM change), unixepoch(), coalesce(w.login, ''), coalesce(w.via, 'sql'), w.reason
    FROM clock LEFT JOIN writer w;

---- Customers ---------------------------------------------------------------------------------------------------

CREATE TRIGGER customer_added AFTER INSERT ON customer
BEGIN
    INSERT INTO change (kind, id) VALUES (4, NEW.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'customer', NEW.name, v.*
    FROM (SELECT NULL AS key, NULL AS old, NEW.name AS new
          UNION ALL VALUES ('enabled', NULL, CASE NEW.enabled WHEN 0 THEN 'no' END),
                 ('note', NULL, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER customer_changed AFTER UPDATE ON customer
WHEN (OLD.id, OLD.name, OLD.enabled, OLD.note) IS NOT (NEW.id, NEW.name, NEW.enabled, NEW.note)
BEGIN
    INSERT INTO change (kind, id) SELECT 4, OLD.id WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) VALUES (4, NEW.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'customer', NEW.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NEW.name AS new
          UNION ALL VALUES ('enabled', iif(OLD.enabled, 'yes', 'no'), iif(NEW.enabled, 'yes', 'no')),
                 ('note', OLD.note, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER customer_going BEFORE DELETE ON customer
BEGIN
    SELECT RAISE(ABORT, 'the customer is in use') WHERE EXISTS (SELECT 1 FROM device WHERE customer = OLD.id)
        OR EXISTS (SELECT 1 FROM account WHERE customer = OLD.id)
        OR EXISTS (SELECT 1 FROM profile WHERE customer = OLD.id);
    DELETE FROM setting WHERE scope = 4 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (4, OLD.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'customer', OLD.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NULL AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

---- Models ------------------------------------------------------------------------------------------------------

CREATE TRIGGER model_added AFTER INSERT ON model
BEGIN
    INSERT INTO change (kind, id) VALUES (2, NEW.id);
END;

-- Files' names depend on it: everything counts as touched.
CREATE TRIGGER model_changed AFTER UPDATE ON model WHEN (OLD.id, OLD.name) IS NOT (NEW.id, NEW.name)
BEGIN
    INSERT INTO change (kind, id) VALUES (0, 0);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'model', NEW.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NEW.name AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER model_going BEFORE DELETE ON model
BEGIN
    SELECT RAISE(ABORT, 'the model is in use') WHERE EXISTS (SELECT 1 FROM device WHERE model = OLD.id);
    DELETE FROM setting WHERE scope = 2 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (2, OLD.id);
END;

---- Profiles ----------------------------------------------------------------------------------------------------

CREATE TRIGGER profile_added AFTER INSERT ON profile
BEGIN
    INSERT INTO change (kind, id) VALUES (3, NEW.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'profile', NEW.name, v.*
    FROM (SELECT NULL AS key, NULL AS old, NEW.name AS new
          UNION ALL VALUES ('parent', NULL, (SELECT name FROM profile WHERE id = NEW.parent)),
                 ('customer', NULL, (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('note', NULL, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER profile_changed AFTER UPDATE ON profile
WHEN (OLD.id, OLD.name, OLD.parent, OLD.customer, OLD.note)
    IS NOT (NEW.id, NEW.name, NEW.parent, NEW.customer, NEW.note)
BEGIN
    INSERT INTO change (kind, id) SELECT 3, OLD.id WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) VALUES (3, NEW.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'profile', NEW.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NEW.name AS new
          UNION ALL VALUES ('parent', (SELECT name FROM profile WHERE id = OLD.parent),
                  (SELECT name FROM profile WHERE id = NEW.parent)),
                 ('customer', (SELECT name FROM customer WHERE id = OLD.customer),
                  (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('note', OLD.note, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER profile_going BEFORE DELETE ON profile
BEGIN
    SELECT RAISE(ABORT, 'the profile is in use') WHERE EXISTS (SELECT 1 FROM device WHERE profile = OLD.id)
        OR EXISTS (SELECT 1 FROM profile WHERE parent = OLD.id);
    DELETE FROM setting WHERE scope = 3 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (3, OLD.id);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'profile', OLD.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NULL AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

---- Accounts ----------------------------------------------------------------------------------------------------

-- An account's change is resolved when the feed is read, to what holds it or refers to its name then. What an account
-- gives to others (phone books, keys) touches its customer.

CREATE TRIGGER account_added AFTER INSERT ON account
BEGIN
    INSERT INTO change (kind, id) VALUES (6, NEW.id);
    INSERT INTO change (kind, id) SELECT 4, NEW.customer WHERE NEW.customer IS NOT NULL;
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'account', NEW.name, v.*
    FROM (SELECT NULL AS key, NULL AS old, NEW.name AS new
          UNION ALL VALUES ('customer', NULL, (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('source', NULL, NEW.source),
                 ('note', NULL, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER account_changed AFTER UPDATE ON account
WHEN (OLD.id, OLD.name, OLD.customer, OLD.source, OLD.note)
    IS NOT (NEW.id, NEW.name, NEW.customer, NEW.source, NEW.note)
BEGIN
    INSERT INTO change (kind, id) VALUES (6, NEW.id);
    INSERT INTO change (kind, id) SELECT 0, 0 WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) SELECT 4, OLD.customer
        WHERE OLD.customer IS NOT NULL AND (OLD.name, OLD.customer) IS NOT (NEW.name, NEW.customer);
    INSERT INTO change (kind, id) SELECT 4, NEW.customer
        WHERE NEW.customer IS NOT NULL AND OLD.customer IS NOT NEW.customer;
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'account', NEW.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NEW.name AS new
          UNION ALL VALUES ('customer', (SELECT name FROM customer WHERE id = OLD.customer),
                  (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('source', OLD.source, NEW.source),
                 ('note', OLD.note, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

-- References follow a rename.
CREATE TRIGGER account_renamed AFTER UPDATE OF name ON account WHEN OLD.name <> NEW.name
BEGIN
    UPDATE setting SET value = NEW.name WHERE key GLOB '*.account' AND value = OLD.name;
END;

-- Its name is gone when the feed is read: what refers to it is noted now.
CREATE TRIGGER account_going BEFORE DELETE ON account
BEGIN
    SELECT RAISE(ABORT, 'the account is on a line') WHERE EXISTS (SELECT 1 FROM line WHERE account = OLD.id);
    DELETE FROM setting WHERE scope = 6 AND id = OLD.id;
    INSERT INTO change (kind, id)
        SELECT iif(s.scope = 7, 5, s.scope), iif(s.scope = 7, (SELECT device FROM line WHERE id = s.id), s.id)
        FROM setting s WHERE s.key GLOB '*.account' AND s.value = OLD.name
            AND (s.scope <> 7 OR s.id IN (SELECT id FROM line));
    INSERT INTO change (kind, id) VALUES (6, OLD.id);
    INSERT INTO change (kind, id) SELECT 4, OLD.customer WHERE OLD.customer IS NOT NULL;
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'account', OLD.name, v.*
    FROM (SELECT NULL AS key, OLD.name AS old, NULL AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

---- Devices -----------------------------------------------------------------------------------------------------

CREATE TRIGGER device_added AFTER INSERT ON device
BEGIN
    INSERT INTO change (kind, id) VALUES (5, NEW.mac);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT NULL AS key, NULL AS old, format('%012x', NEW.mac) AS new
          UNION ALL VALUES ('model', NULL, (SELECT name FROM model WHERE id = NEW.model)),
                 ('profile', NULL, (SELECT name FROM profile WHERE id = NEW.profile)),
                 ('customer', NULL, (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('enabled', NULL, iif(NEW.enabled, NULL, 'no')),
                 ('inventory_id', NULL, NEW.inventory_id),
                 ('source', NULL, NEW.source),
                 ('note', NULL, NEW.note)) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

-- A trigger a field, as most changes are of one field, and there are many in an import. The feed comes first (BEFORE),
-- for the audit tells its gen.
CREATE TRIGGER device_changing BEFORE UPDATE ON device
WHEN (OLD.mac, OLD.model, OLD.profile, OLD.customer, OLD.enabled, OLD.inventory_id, OLD.source, OLD.note)
    IS NOT (NEW.mac, NEW.model, NEW.profile, NEW.customer, NEW.enabled, NEW.inventory_id, NEW.source, NEW.note)
BEGIN
    INSERT INTO change (kind, id) SELECT 5, OLD.mac WHERE OLD.mac <> NEW.mac;
    INSERT INTO change (kind, id) VALUES (5, NEW.mac);
END;

CREATE TRIGGER device_mac AFTER UPDATE OF mac ON device WHEN OLD.mac <> NEW.mac
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT NULL AS key, format('%012x', OLD.mac) AS old, format('%012x', NEW.mac) AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_model AFTER UPDATE OF model ON device WHEN OLD.model IS NOT NEW.model
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'model' AS key, (SELECT name FROM model WHERE id = OLD.model) AS old,
                 (SELECT name FROM model WHERE id = NEW.model) AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_profile AFTER UPDATE OF profile ON device WHEN OLD.profile IS NOT NEW.profile
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'profile' AS key, (SELECT name FROM profile WHERE id = OLD.profile) AS old,
                 (SELECT name FROM profile WHERE id = NEW.profile) AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_customer AFTER UPDATE OF customer ON device WHEN OLD.customer IS NOT NEW.customer
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'customer' AS key, (SELECT name FROM customer WHERE id = OLD.customer) AS old,
                 (SELECT name FROM customer WHERE id = NEW.customer) AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_enabled AFTER UPDATE OF enabled ON device WHEN OLD.enabled IS NOT NEW.enabled
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'enabled' AS key, iif(OLD.enabled, 'yes', 'no') AS old,
                 iif(NEW.enabled, 'yes', 'no') AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_inventory_id AFTER UPDATE OF inventory_id ON device WHEN OLD.inventory_id IS NOT NEW.inventory_id
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'inventory_id' AS key, OLD.inventory_id AS old, NEW.inventory_id AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_source AFTER UPDATE OF source ON device WHEN OLD.source IS NOT NEW.source
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'source' AS key, OLD.source AS old, NEW.source AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER device_note AFTER UPDATE OF note ON device WHEN OLD.note IS NOT NEW.note
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', NEW.mac), v.*
    FROM (SELECT 'note' AS key, OLD.note AS old, NEW.note AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

-- Lines and settings follow another MAC.
CREATE TRIGGER device_renamed AFTER UPDATE OF mac ON device WHEN OLD.mac <> NEW.mac
BEGIN
    UPDATE line SET device = NEW.mac WHERE device = OLD.mac;
    UPDATE setting SET id = NEW.mac WHERE scope = 5 AND id = OLD.mac;
END;

CREATE TRIGGER device_going BEFORE DELETE ON device
BEGIN
    DELETE FROM line WHERE device = OLD.mac;
    DELETE FROM setting WHERE scope = 5 AND id = OLD.mac;
    INSERT INTO change (kind, id) VALUES (5, OLD.mac);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'device', format('%012x', OLD.mac), v.*
    FROM (SELECT NULL AS key, format('%012x', OLD.mac) AS old, NULL AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

---- Lines -------------------------------------------------------------------------------------------------------

-- An audit row a line: its account where it has one, else the line itself.
CREATE TRIGGER line_added AFTER INSERT ON line
BEGIN
    INSERT INTO change (kind, id) VALUES (5, NEW.device);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'line', format('%012x/%d', NEW.device, NEW.number), v.*
    FROM (SELECT iif(NEW.account IS NULL, NULL, 'account') AS key,
                 NULL AS old,
                 iif(NEW.account IS NULL, format('%012x/%d', NEW.device, NEW.number),
                       (SELECT name FROM account WHERE id = NEW.account)) AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER line_changed AFTER UPDATE ON line
WHEN (OLD.id, OLD.device, OLD.number, OLD.account) IS NOT (NEW.id, NEW.device, NEW.number, NEW.account)
BEGIN
    INSERT INTO change (kind, id) SELECT 5, OLD.device WHERE OLD.device <> NEW.device;
    INSERT INTO change (kind, id) VALUES (5, NEW.device);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'line', format('%012x/%d', NEW.device, NEW.number), v.*
    FROM (SELECT NULL AS key, format('%012x/%d', OLD.device, OLD.number) AS old,
                 format('%012x/%d', NEW.device, NEW.number) AS new
          UNION ALL VALUES ('account', (SELECT name FROM account WHERE id = OLD.account),
                  (SELECT name FROM account WHERE id = NEW.account))) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

CREATE TRIGGER line_going BEFORE DELETE ON line
BEGIN
    DELETE FROM setting WHERE scope = 7 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (5, OLD.device);
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    SELECT w.*, 'line', format('%012x/%d', OLD.device, OLD.number), v.*
    FROM (SELECT iif(OLD.account IS NULL, NULL, 'account') AS key,
                 iif(OLD.account IS NULL, format('%012x/%d', OLD.device, OLD.number),
                       (SELECT name FROM account WHERE id = OLD.account)) AS old,
                 NULL AS new) v CROSS JOIN who w
    WHERE v.old IS NOT v.new;
END;

---- Settings ----------------------------------------------------------------------------------------------------

-- An insert here is a change of a setting: its rows of the feed and of the audit. lower_key: made once, not for each
-- glob of a secret that it is compared with.
CREATE VIEW setting_event (scope, id, key, lower_key, effective_from, old, new) AS
    SELECT scope, id, key, lower(key), effective_from, value, value FROM setting;

CREATE TRIGGER setting_event_row INSTEAD OF INSERT ON setting_event
BEGIN
    INSERT INTO change (kind, id)
        SELECT iif(NEW.scope = 7, 5, NEW.scope),
            iif(NEW.scope = 7, coalesce((SELECT device FROM line WHERE id = NEW.id), 0), NEW.id);
    INSERT INTO change (kind, id)
        SELECT 4, customer FROM account
        WHERE NEW.scope = 6 AND id = NEW.id AND customer IS NOT NULL
            AND (NEW.key IN ('sip.user', 'line.display_name') OR NEW.key GLOB 'directory.*');
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, effective_from, old, new)
    SELECT w.*,
        CASE NEW.scope WHEN 1 THEN 'site' WHEN 2 THEN 'model' WHEN 3 THEN 'profile' WHEN 4 THEN 'customer'
            WHEN 5 THEN 'device' WHEN 6 THEN 'account' ELSE 'line' END,
        coalesce(CASE NEW.scope
            WHEN 2 THEN (SELECT name FROM model WHERE id = NEW.id)
            WHEN 3 THEN (SELECT name FROM profile WHERE id = NEW.id)
            WHEN 4 THEN (SELECT name FROM customer WHERE id = NEW.id)
            WHEN 5 THEN format('%012x', NEW.id)
            WHEN 6 THEN (SELECT name FROM account WHERE id = NEW.id)
            WHEN 7 THEN (SELECT format('%012x/%d', device, number) FROM line WHERE id = NEW.id) END, ''),
        NEW.key, NEW.effective_from,
        iif(is_secret AND NEW.old IS NOT NULL, 'changed', NEW.old),
        iif(is_secret AND NEW.new IS NOT NULL, 'changed', NEW.new)
    FROM (SELECT EXISTS (SELECT 1 FROM secret WHERE NEW.lower_key GLOB glob) AS is_secret) CROSS JOIN who w;
END;

CREATE TRIGGER setting_added AFTER INSERT ON setting
BEGIN
    INSERT INTO setting_event (scope, id, key, lower_key, effective_from, old, new)
    VALUES (NEW.scope, NEW.id, NEW.key, lower(NEW.key), NEW.effective_from, NULL, NEW.value);
END;

CREATE TRIGGER setting_changed AFTER UPDATE ON setting
WHEN OLD.value IS NOT NEW.value AND (OLD.scope, OLD.id, OLD.key) = (NEW.scope, NEW.id, NEW.key)
BEGIN
    INSERT INTO setting_event (scope, id, key, lower_key, effective_from, old, new)
    VALUES (NEW.scope, NEW.id, NEW.key, lower(NEW.key), NEW.effective_from, OLD.value, NEW.value);
END;

CREATE TRIGGER setting_moved AFTER UPDATE ON setting
WHEN (OLD.scope, OLD.id, OLD.key) <> (NEW.scope, NEW.id, NEW.key)
    OR (OLD.value IS NEW.value AND OLD.effective_from <> NEW.effective_from)
BEGIN
    INSERT INTO setting_event (scope, id, key, lower_key, effective_from, old, new)
    VALUES (OLD.scope, OLD.id, OLD.key, lower(OLD.key), OLD.effective_from, OLD.value, NULL),
           (NEW.scope, NEW.id, NEW.key, lower(NEW.key), NEW.effective_from, NULL, NEW.value);
END;

CREATE TRIGGER setting_gone AFTER DELETE ON setting
BEGIN
    INSERT INTO setting_event (scope, id, key, lower_key, effective_from, old, new)
    VALUES (OLD.scope, OLD.id, OLD.key, lower(OLD.key), OLD.effective_from, OLD.value, NULL);
END;
