-- The inventory, first schema. Run inside one transaction by store/schema.c, which also sets application_id and
-- user_version. Everything that must hold whoever writes (a person with sqlite3 too, who has foreign keys off) is
-- done by triggers: the change feed, the audit, settings that go with their object.
--
-- Scopes and kinds are numbers, those of enum pfs_scope: 0 all, 1 site, 2 model, 3 profile, 4 customer, 5 device (its
-- id is the MAC), 6 account, 7 line.

---- What users keep -------------------------------------------------------------------------------------------

CREATE TABLE customer (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
        CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._@+-]*' AND name NOT IN ('.', '..')),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    note TEXT
) STRICT;

-- Names of models, for the templates say which models there are; a row is made when a model is first used.
CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
        CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._@+-]*' AND name NOT IN ('.', '..'))
) STRICT;

CREATE TABLE profile (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
        CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._@+-]*' AND name NOT IN ('.', '..')),
    parent INTEGER REFERENCES profile (id) CHECK (parent <> id),
    customer INTEGER REFERENCES customer (id), -- its owner; NULL: shared
    note TEXT
) STRICT;
CREATE INDEX profile_parent ON profile (parent);
CREATE INDEX profile_customer ON profile (customer);

CREATE TABLE account (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
        CHECK (length(name) BETWEEN 1 AND 64 AND name NOT GLOB '*[^A-Za-z0-9._@+-]*' AND name NOT IN ('.', '..')),
    customer INTEGER REFERENCES customer (id),
    source TEXT, -- the name of the import --sync that brought it
    note TEXT
) STRICT;
CREATE INDEX account_customer ON account (customer);

CREATE TABLE device (
    -- Not 0, not all ones, not multicast.
    mac INTEGER PRIMARY KEY CHECK (mac BETWEEN 1 AND 281474976710654 AND (mac >> 40) & 1 = 0),
    model INTEGER REFERENCES model (id),
    profile INTEGER REFERENCES profile (id),
    customer INTEGER REFERENCES customer (id),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    inventory_id TEXT,
    source TEXT,
    note TEXT
) STRICT;
CREATE INDEX device_model ON device (model);
CREATE INDEX device_profile ON device (profile);
CREATE INDEX device_customer ON device (customer);

CREATE TABLE line (
    id INTEGER PRIMARY KEY,
    device INTEGER NOT NULL REFERENCES device (mac),
    number INTEGER NOT NULL CHECK (number BETWEEN 1 AND 999),
    account INTEGER REFERENCES account (id),
    UNIQUE (device, number)
) STRICT;
CREATE INDEX line_account ON line (account);

CREATE TABLE setting (
    scope INTEGER NOT NULL CHECK (scope BETWEEN 1 AND 7),
    id INTEGER NOT NULL, -- of the scope's table; a device's MAC; 0 for the site
    key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    value TEXT CHECK (length(CAST(value AS BLOB)) <= 65536), -- NULL: from then on not set here
    effective_from INTEGER NOT NULL DEFAULT 0 CHECK (effective_from >= 0),
    PRIMARY KEY (scope, id, key, effective_from)
) STRICT, WITHOUT ROWID;
CREATE INDEX setting_key ON setting (key);
-- Settings that refer to an account by its name.
CREATE INDEX setting_reference ON setting (value) WHERE key GLOB '*.account';

---- The feed and the audit --------------------------------------------------------------------------------------

-- gen is the clock: the newest row is never cut away.
CREATE TABLE change (
    gen INTEGER PRIMARY KEY AUTOINCREMENT,
    kind INTEGER NOT NULL,
    id INTEGER NOT NULL
) STRICT;

-- One row. The feed holds every change after lowest_gen.
CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    lowest_gen INTEGER NOT NULL
) STRICT;

CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    gen INTEGER NOT NULL,
    time INTEGER NOT NULL,
    login TEXT NOT NULL,
    via TEXT NOT NULL,
    reason TEXT,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    key TEXT,             -- NULL: the object itself
    effective_from INTEGER NOT NULL DEFAULT 0,
    old TEXT,
    new TEXT
) STRICT;
CREATE INDEX log_object ON log (object, kind);

-- Who writes: one row from the beginning of a transaction of provfs to its end, else empty.
CREATE TABLE writer (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    login TEXT NOT NULL,
    via TEXT NOT NULL,
    reason TEXT
) STRICT;

-- Keys whose values the audit does not tell: lower-case globs.
CREATE TABLE secret (
    glob TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- An insert here is an audit row, where something changed.
CREATE VIEW audit (kind, object, key, old, new) AS SELECT kind, object, key, old, new FROM log;

CREATE TRIGGER audit_row INSTEAD OF INSERT ON audit WHEN NEW.old IS NOT NEW.new
BEGIN
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, old, new)
    VALUES ((SELECT max(gen) FROM change), unixepoch(), coalesce((SELECT login FROM writer), ''),
            coalesce((SELECT via FROM writer), 'sql'), (SELECT reason FROM writer),
            NEW.kind, NEW.object, NEW.key, NEW.old, NEW.new);
END;

---- Customers ---------------------------------------------------------------------------------------------------

CREATE TRIGGER customer_added AFTER INSERT ON customer
BEGIN
    INSERT INTO change (kind, id) VALUES (4, NEW.id);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('customer', NEW.name, NULL, NULL, NEW.name),
           ('customer', NEW.name, 'enabled', NULL, CASE NEW.enabled WHEN 0 THEN 'no' END),
           ('customer', NEW.name, 'note', NULL, NEW.note);
END;

CREATE TRIGGER customer_changed AFTER UPDATE ON customer
WHEN (OLD.id, OLD.name, OLD.enabled, OLD.note) IS NOT (NEW.id, NEW.name, NEW.enabled, NEW.note)
BEGIN
    INSERT INTO change (kind, id) SELECT 4, OLD.id WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) VALUES (4, NEW.id);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('customer', NEW.name, NULL, OLD.name, NEW.name),
           ('customer', NEW.name, 'enabled', iif(OLD.enabled, 'yes', 'no'), iif(NEW.enabled, 'yes', 'no')),
           ('customer', NEW.name, 'note', OLD.note, NEW.note);
END;

CREATE TRIGGER customer_going BEFORE DELETE ON customer
BEGIN
    SELECT RAISE(ABORT, 'the customer is in use') WHERE EXISTS (SELECT 1 FROM device WHERE customer = OLD.id)
        OR EXISTS (SELECT 1 FROM account WHERE customer = OLD.id)
        OR EXISTS (SELECT 1 FROM profile WHERE customer = OLD.id);
    DELETE FROM setting WHERE scope = 4 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (4, OLD.id);
    INSERT INTO audit (kind, object, key, old, new) VALUES ('customer', OLD.name, NULL, OLD.name, NULL);
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
    INSERT INTO audit (kind, object, key, old, new) VALUES ('model', NEW.name, NULL, OLD.name, NEW.name);
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
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('profile', NEW.name, NULL, NULL, NEW.name),
           ('profile', NEW.name, 'parent', NULL, (SELECT name FROM profile WHERE id = NEW.parent)),
           ('profile', NEW.name, 'customer', NULL, (SELECT name FROM customer WHERE id = NEW.customer)),
           ('profile', NEW.name, 'note', NULL, NEW.note);
END;

CREATE TRIGGER profile_changed AFTER UPDATE ON profile
WHEN (OLD.id, OLD.name, OLD.parent, OLD.customer, OLD.note) IS NOT (NEW.id, NEW.name, NEW.parent, NEW.customer, NEW.note)
BEGIN
    INSERT INTO change (kind, id) SELECT 3, OLD.id WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) VALUES (3, NEW.id);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('profile', NEW.name, NULL, OLD.name, NEW.name),
           ('profile', NEW.name, 'parent', (SELECT name FROM profile WHERE id = OLD.parent),
            (SELECT name FROM profile WHERE id = NEW.parent)),
           ('profile', NEW.name, 'customer', (SELECT name FROM customer WHERE id = OLD.customer),
            (SELECT name FROM customer WHERE id = NEW.customer)),
           ('profile', NEW.name, 'note', OLD.note, NEW.note);
END;

CREATE TRIGGER profile_going BEFORE DELETE ON profile
BEGIN
    SELECT RAISE(ABORT, 'the profile is in use') WHERE EXISTS (SELECT 1 FROM device WHERE profile = OLD.id)
        OR EXISTS (SELECT 1 FROM profile WHERE parent = OLD.id);
    DELETE FROM setting WHERE scope = 3 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (3, OLD.id);
    INSERT INTO audit (kind, object, key, old, new) VALUES ('profile', OLD.name, NULL, OLD.name, NULL);
END;

---- Accounts ----------------------------------------------------------------------------------------------------

-- An account's change is resolved when the feed is read, to what holds it or refers to its name then. What an account
-- gives to others (phone books, keys) touches its customer.

CREATE TRIGGER account_added AFTER INSERT ON account
BEGIN
    INSERT INTO change (kind, id) VALUES (6, NEW.id);
    INSERT INTO change (kind, id) SELECT 4, NEW.customer WHERE NEW.customer IS NOT NULL;
    INSERT INTO audit (kind, object, key, old, new) VALUES ('account', NEW.name, NULL, NULL, NEW.name);
    INSERT INTO audit (kind, object, key, old, new)
    SELECT 'account', NEW.name, column1, NULL, column2
    FROM (VALUES ('customer', (SELECT name FROM customer WHERE id = NEW.customer)), ('source', NEW.source),
                 ('note', NEW.note))
    WHERE coalesce(NEW.customer, NEW.source, NEW.note) IS NOT NULL;
END;

CREATE TRIGGER account_changed AFTER UPDATE ON account
WHEN (OLD.id, OLD.name, OLD.customer, OLD.source, OLD.note) IS NOT (NEW.id, NEW.name, NEW.customer, NEW.source, NEW.note)
BEGIN
    INSERT INTO change (kind, id) VALUES (6, NEW.id);
    INSERT INTO change (kind, id) SELECT 0, 0 WHERE OLD.id <> NEW.id;
    INSERT INTO change (kind, id) SELECT 4, OLD.customer
        WHERE OLD.customer IS NOT NULL AND (OLD.name, OLD.customer) IS NOT (NEW.name, NEW.customer);
    INSERT INTO change (kind, id) SELECT 4, NEW.customer
        WHERE NEW.customer IS NOT NULL AND OLD.customer IS NOT NEW.customer;
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('account', NEW.name, NULL, OLD.name, NEW.name),
           ('account', NEW.name, 'customer', (SELECT name FROM customer WHERE id = OLD.customer),
            (SELECT name FROM customer WHERE id = NEW.customer)),
           ('account', NEW.name, 'source', OLD.source, NEW.source),
           ('account', NEW.name, 'note', OLD.note, NEW.note);
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
        FROM setting s WHERE s.key GLOB '*.account' AND s.value = OLD.name AND (s.scope <> 7 OR s.id IN (SELECT id FROM line));
    INSERT INTO change (kind, id) VALUES (6, OLD.id);
    INSERT INTO change (kind, id) SELECT 4, OLD.customer WHERE OLD.customer IS NOT NULL;
    INSERT INTO audit (kind, object, key, old, new) VALUES ('account', OLD.name, NULL, OLD.name, NULL);
END;

---- Devices -----------------------------------------------------------------------------------------------------

CREATE TRIGGER device_added AFTER INSERT ON device
BEGIN
    INSERT INTO change (kind, id) VALUES (5, NEW.mac);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), NULL, NULL, format('%012x', NEW.mac));
    INSERT INTO audit (kind, object, key, old, new)
    SELECT 'device', format('%012x', NEW.mac), column1, NULL, column2
    FROM (VALUES ('model', (SELECT name FROM model WHERE id = NEW.model)),
                 ('profile', (SELECT name FROM profile WHERE id = NEW.profile)),
                 ('customer', (SELECT name FROM customer WHERE id = NEW.customer)),
                 ('enabled', iif(NEW.enabled, NULL, 'no')), ('inventory_id', NEW.inventory_id),
                 ('source', NEW.source), ('note', NEW.note))
    WHERE coalesce(NEW.model, NEW.profile, NEW.customer, NEW.inventory_id, NEW.source, NEW.note) IS NOT NULL
        OR NOT NEW.enabled;
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
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), NULL, format('%012x', OLD.mac), format('%012x', NEW.mac));
END;

CREATE TRIGGER device_model AFTER UPDATE OF model ON device WHEN OLD.model IS NOT NEW.model
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'model', (SELECT name FROM model WHERE id = OLD.model), (SELECT name FROM model WHERE id = NEW.model));
END;

CREATE TRIGGER device_profile AFTER UPDATE OF profile ON device WHEN OLD.profile IS NOT NEW.profile
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'profile', (SELECT name FROM profile WHERE id = OLD.profile), (SELECT name FROM profile WHERE id = NEW.profile));
END;

CREATE TRIGGER device_customer AFTER UPDATE OF customer ON device WHEN OLD.customer IS NOT NEW.customer
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'customer', (SELECT name FROM customer WHERE id = OLD.customer), (SELECT name FROM customer WHERE id = NEW.customer));
END;

CREATE TRIGGER device_enabled AFTER UPDATE OF enabled ON device WHEN OLD.enabled IS NOT NEW.enabled
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'enabled', iif(OLD.enabled, 'yes', 'no'), iif(NEW.enabled, 'yes', 'no'));
END;

CREATE TRIGGER device_inventory_id AFTER UPDATE OF inventory_id ON device WHEN OLD.inventory_id IS NOT NEW.inventory_id
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'inventory_id', OLD.inventory_id, NEW.inventory_id);
END;

CREATE TRIGGER device_source AFTER UPDATE OF source ON device WHEN OLD.source IS NOT NEW.source
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'source', OLD.source, NEW.source);
END;

CREATE TRIGGER device_note AFTER UPDATE OF note ON device WHEN OLD.note IS NOT NEW.note
BEGIN
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', NEW.mac), 'note', OLD.note, NEW.note);
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
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('device', format('%012x', OLD.mac), NULL, format('%012x', OLD.mac), NULL);
END;

---- Lines -------------------------------------------------------------------------------------------------------

-- An audit row a line: its account where it has one, else the line itself.
CREATE TRIGGER line_added AFTER INSERT ON line
BEGIN
    INSERT INTO change (kind, id) VALUES (5, NEW.device);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('line', format('%012x/%d', NEW.device, NEW.number), iif(NEW.account IS NULL, NULL, 'account'), NULL,
            iif(NEW.account IS NULL, format('%012x/%d', NEW.device, NEW.number),
                (SELECT name FROM account WHERE id = NEW.account)));
END;

CREATE TRIGGER line_changed AFTER UPDATE ON line
WHEN (OLD.id, OLD.device, OLD.number, OLD.account) IS NOT (NEW.id, NEW.device, NEW.number, NEW.account)
BEGIN
    INSERT INTO change (kind, id) SELECT 5, OLD.device WHERE OLD.device <> NEW.device;
    INSERT INTO change (kind, id) VALUES (5, NEW.device);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('line', format('%012x/%d', NEW.device, NEW.number), NULL, format('%012x/%d', OLD.device, OLD.number),
            format('%012x/%d', NEW.device, NEW.number)),
           ('line', format('%012x/%d', NEW.device, NEW.number), 'account', (SELECT name FROM account WHERE id = OLD.account),
            (SELECT name FROM account WHERE id = NEW.account));
END;

CREATE TRIGGER line_going BEFORE DELETE ON line
BEGIN
    DELETE FROM setting WHERE scope = 7 AND id = OLD.id;
    INSERT INTO change (kind, id) VALUES (5, OLD.device);
    INSERT INTO audit (kind, object, key, old, new)
    VALUES ('line', format('%012x/%d', OLD.device, OLD.number), iif(OLD.account IS NULL, NULL, 'account'),
            iif(OLD.account IS NULL, format('%012x/%d', OLD.device, OLD.number),
                (SELECT name FROM account WHERE id = OLD.account)), NULL);
END;

---- Settings ----------------------------------------------------------------------------------------------------

-- An insert here is a change of a setting: its rows of the feed and of the audit.
CREATE VIEW setting_event (scope, id, key, effective_from, old, new) AS
    SELECT scope, id, key, effective_from, value, value FROM setting;

CREATE TRIGGER setting_event_row INSTEAD OF INSERT ON setting_event
BEGIN
    INSERT INTO change (kind, id)
        SELECT iif(NEW.scope = 7, 5, NEW.scope), iif(NEW.scope = 7, coalesce((SELECT device FROM line WHERE id = NEW.id), 0), NEW.id);
    INSERT INTO change (kind, id)
        SELECT 4, customer FROM account
        WHERE NEW.scope = 6 AND id = NEW.id AND customer IS NOT NULL
            AND (NEW.key IN ('sip.user', 'line.display_name') OR NEW.key GLOB 'directory.*');
    INSERT INTO log (gen, time, login, via, reason, kind, object, key, effective_from, old, new)
    SELECT (SELECT max(gen) FROM change), unixepoch(), coalesce((SELECT login FROM writer), ''),
        coalesce((SELECT via FROM writer), 'sql'), (SELECT reason FROM writer),
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
        iif(is_secret AND NEW.old IS NOT NULL, 'changed', NEW.old), iif(is_secret AND NEW.new IS NOT NULL, 'changed', NEW.new)
    FROM (SELECT EXISTS (SELECT 1 FROM secret WHERE lower(NEW.key) GLOB glob) AS is_secret);
END;

CREATE TRIGGER setting_added AFTER INSERT ON setting
BEGIN
    INSERT INTO setting_event (scope, id, key, effective_from, old, new)
    VALUES (NEW.scope, NEW.id, NEW.key, NEW.effective_from, NULL, NEW.value);
END;

CREATE TRIGGER setting_changed AFTER UPDATE ON setting
WHEN OLD.value IS NOT NEW.value AND (OLD.scope, OLD.id, OLD.key) = (NEW.scope, NEW.id, NEW.key)
BEGIN
    INSERT INTO setting_event (scope, id, key, effective_from, old, new)
    VALUES (NEW.scope, NEW.id, NEW.key, NEW.effective_from, OLD.value, NEW.value);
END;

CREATE TRIGGER setting_moved AFTER UPDATE ON setting
WHEN (OLD.scope, OLD.id, OLD.key) <> (NEW.scope, NEW.id, NEW.key)
    OR (OLD.value IS NEW.value AND OLD.effective_from <> NEW.effective_from)
BEGIN
    INSERT INTO setting_event (scope, id, key, effective_from, old, new)
    VALUES (OLD.scope, OLD.id, OLD.key, OLD.effective_from, OLD.value, NULL),
           (NEW.scope, NEW.id, NEW.key, NEW.effective_from, NULL, NEW.value);
END;

CREATE TRIGGER setting_gone AFTER DELETE ON setting
BEGIN
    INSERT INTO setting_event (scope, id, key, effective_from, old, new)
    VALUES (OLD.scope, OLD.id, OLD.key, OLD.effective_from, OLD.value, NULL);
END;
