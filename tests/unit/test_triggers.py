#!/usr/bin/env python3
"""The triggers of the inventory's newest schema write the same feed and audit as those of the second, which were the
plainest: random statements on both, and `change` and `log` are compared row by row.

usage: test_triggers.py SCHEMA-FOLDER
"""
import pathlib
import random
import sqlite3
import sys

SECRETS = ["sip.password", "*:*secret*", "key.[0-9]*.pin", "[xy]*z"]
KEYS = ["sip.user", "sip.password", "SIP.Password", "line.display_name", "key.3.account", "key.12.pin", "yealink:a.secret.b",
        "directory.listed", "xyz", "time.zone"]
NAMES = [f"n{i}" for i in range(8)]
TEXTS = [None, None, "", "a", "b", "ü's"]


def scripts(folder):
    return [p.read_text() for p in sorted(pathlib.Path(folder).glob("0*.sql"))]


def inventory(all_scripts, late):
    """late: scripts that migrate an inventory in which something was written already."""
    c = sqlite3.connect(":memory:", isolation_level=None)
    for s in all_scripts:
        c.executescript(s)
    c.execute("INSERT INTO clock (one, epoch, lowest_gen) VALUES (1, 5, 1)")
    c.execute("INSERT INTO change (kind, id) VALUES (0, 0)")
    c.executemany("INSERT INTO secret (glob) VALUES (?)", [(s,) for s in SECRETS])
    c.execute("INSERT INTO customer (name, note) VALUES ('early', 'x')")
    for s in late:
        c.executescript(s)
    return c


class Writes:
    """Statements with parameters, of every kind a person or provfs may write."""

    def __init__(self, seed):
        self.rnd = random.Random(seed)

    def id(self):
        return self.rnd.choice([None, 1, 2, 3, 4, 9])

    def mac(self):
        return self.rnd.randrange(16, 28)

    def text(self):
        return self.rnd.choice(TEXTS)

    def name(self):
        return self.rnd.choice(NAMES)

    def column(self):
        return self.rnd.choice([
            ("device", "mac", self.mac()), ("device", "model", self.id()), ("device", "profile", self.id()),
            ("device", "customer", self.id()), ("device", "enabled", self.rnd.randrange(2)), ("device", "note", self.text()),
            ("device", "source", self.text()), ("device", "inventory_id", self.text()), ("line", "account", self.id()),
            ("line", "number", self.rnd.randrange(1, 4)), ("line", "device", self.mac()), ("line", "id", self.id()),
            ("account", "name", self.name()), ("account", "customer", self.id()), ("account", "source", self.text()),
            ("account", "note", self.text()), ("account", "id", self.id()), ("customer", "name", self.name()),
            ("customer", "enabled", self.rnd.randrange(2)), ("customer", "note", self.text()), ("customer", "id", self.id()),
            ("profile", "name", self.name()), ("profile", "parent", self.id()), ("profile", "customer", self.id()),
            ("profile", "note", self.text()), ("profile", "id", self.id()), ("model", "name", self.name()),
            ("model", "id", self.id()), ("setting", "value", self.text()), ("setting", "effective_from", self.rnd.randrange(3)),
            ("setting", "id", self.rnd.randrange(28)), ("setting", "key", self.rnd.choice(KEYS)),
            ("setting", "scope", self.rnd.randrange(1, 8))])

    def insert(self):
        r = self.rnd
        return r.choice([
            ("INSERT INTO customer (name, enabled, note) VALUES (?, ?, ?)", (self.name(), r.randrange(2), self.text())),
            ("INSERT INTO model (name) VALUES (?)", (self.name(),)),
            ("INSERT INTO profile (name, parent, customer, note) VALUES (?, ?, ?, ?)",
             (self.name(), self.id(), self.id(), self.text())),
            ("INSERT INTO account (name, customer, source, note) VALUES (?, ?, ?, ?)",
             (self.name(), self.id(), self.text(), self.text())),
            ("INSERT INTO device (mac, model, profile, customer, enabled, inventory_id, source, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
             (self.mac(), self.id(), self.id(), self.id(), r.randrange(2), self.text(), self.text(), self.text())),
            ("INSERT INTO line (device, number, account) VALUES (?, ?, ?)", (self.mac(), r.randrange(1, 4), self.id())),
            ("INSERT INTO setting (scope, id, key, value, effective_from) VALUES (?, ?, ?, ?, ?)",
             (r.randrange(1, 8), r.choice([0, 1, 2, 3, self.mac()]), r.choice(KEYS), r.choice([self.text(), self.name()]),
              r.choice([0, 0, 5])))])

    def next(self):
        r = self.rnd
        kind = r.randrange(20)
        if kind < 10:
            return self.insert()
        if kind < 17:
            table, column, value = self.column()
            return f"UPDATE {table} SET {column} = ? WHERE rowid % 4 = ?" if table != "setting" else \
                f"UPDATE setting SET {column} = ? WHERE id % 4 = ?", (value, r.randrange(4))
        if kind < 19:
            table = r.choice(["device", "line", "account", "customer", "profile", "model", "setting"])
            column = "id" if table == "setting" else "rowid"
            return f"DELETE FROM {table} WHERE {column} % 8 = ?", (r.randrange(8),)
        return r.choice([("DELETE FROM writer", ()), ("DELETE FROM secret WHERE glob = ?", (r.choice(SECRETS),)),
                         ("INSERT INTO secret (glob) VALUES (?)", (r.choice(SECRETS + ["sip.*"]),)),
                         ("UPDATE secret SET glob = ? WHERE glob = 'sip.*'", ("time.*",)),
                         ("INSERT OR REPLACE INTO writer (one, login, via, reason) VALUES (1, ?, 'import', ?)",
                          (self.name(), self.text()))])


def run(c, sql, values):
    try:
        c.execute(sql, values)
    except sqlite3.IntegrityError as e:
        return str(e)
    return None


def rows(c):
    return (c.execute("SELECT gen, kind, id FROM change ORDER BY gen").fetchall(),
            c.execute("SELECT id, gen, login, via, reason, kind, object, key, effective_from, old, new FROM log ORDER BY id").fetchall())


def compare(old, new, seed, foreign_keys):
    for c in (old, new):
        c.execute(f"PRAGMA foreign_keys = {foreign_keys}")
    writes = Writes(seed)
    done = []
    for _ in range(400):
        sql, values = writes.next()
        answers = run(old, sql, values), run(new, sql, values)
        done.append((sql, values))
        assert answers[0] == answers[1], (seed, sql, values, answers)
    a, b = rows(old), rows(new)
    for which in (0, 1):
        for x, y in zip(a[which], b[which]):
            assert x == y, (seed, x, y)
        assert len(a[which]) == len(b[which]), (seed, which)
    return len(b[1])


def main():
    all_scripts = scripts(sys.argv[1])
    n = 0
    for seed in range(30):
        late = 2 if seed % 2 else len(all_scripts)
        old = inventory(all_scripts[:2], [])
        new = inventory(all_scripts[:late], all_scripts[late:])
        n += compare(old, new, seed, seed // 2 % 2)
    assert n > 5000, n
    print(f"{n} rows of the audit are the same")


if __name__ == "__main__":
    main()
