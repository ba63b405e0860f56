-- What was published, beside the inventory (DB.state). It can be lost: store/state.c starts anew then.
CREATE TABLE published (
    name TEXT PRIMARY KEY,
    hash INTEGER NOT NULL,  -- of the bytes: 64 bits, as a signed number
    mtime INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One row.
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    clean INTEGER NOT NULL, -- 1: the owner stopped in order
    clock INTEGER NOT NULL  -- the highest second at which a scheduled value was seen to come
) STRICT;
INSERT INTO state (one, clean, clock) VALUES (1, 0, 0);

-- What the owner tells other mounts of the inventory: names that are unknown, files that cannot be made.
CREATE TABLE report (
    kind TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
