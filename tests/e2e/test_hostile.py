"""Hostile values through every field of every vendor's format: a value comes back identical by that vendor's grammar, or it
is refused; never a line or a key more.

Each field has a device of its own. All of them get one value at a time by SQL, past the check that refuses, so that the
renders are tried too; then the files are read from a mount, each by the reader of the vendor's goldens, which knows nothing of
provfs. A file that cannot hold the value stays the last good one and stands in control/errors; that the commands refuse such
values is test_p05's."""
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ET

import pytest

import hostile
import lib

sys.path.append(str(lib.ROOT / "tests/golden"))
import readers  # noqa: E402 pylint: disable=wrong-import-position

SENTINEL = "Zq9Sentinel"
CATALOGUE = ET.parse(lib.ROOT / "schema/settings.xml").getroot()
TEXTS = [s for s in CATALOGUE if s.get("type") in ("text", "user")]
VENDORS = sorted({ET.parse(p).getroot().get("vendor") for p in (lib.ROOT / "templates").glob("*/*.xml")})
BROKEN = (UnicodeDecodeError, AssertionError, KeyError, ValueError, IndexError, AttributeError, ET.ParseError)

# What must be set beside a field for a phone to have a use of it.
BESIDE = {"key.1.value": "key.1.type=speeddial", "key.1.label": "key.1.type=speeddial key.1.value=1", "key.1.pickup": "key.1.type=blf key.1.value=1",
          "module.1.key.1.value": "module.1.key.1.type=speeddial", "module.1.key.1.label": "module.1.key.1.type=speeddial module.1.key.1.value=1",
          "module.1.key.1.pickup": "module.1.key.1.type=blf module.1.key.1.value=1", "phonebook.1.name": "phonebook.1.url=http://b/",
          "ring.alert.1.text": "ring.alert.1.tone=2", "paging.1.label": "paging.1.address=224.0.1.2:5004", "net.dot1x_user": "net.dot1x=md5",
          "net.dot1x_password": "net.dot1x=md5 net.dot1x_user=u"}
# Settings that have a grammar of their own, which becomes the vendor's: a digit map, attributes and filters of LDAP, an address with
# its port. They are looked at for other lines and keys alone.
TRANSLATED = {"dial.plan", "ldap.name_attributes", "ldap.number_attributes", "ldap.display", "ldap.name_filter", "ldap.number_filter",
              "paging.1.address"}
LDAP = "ldap.server=ldap.example.net"


def models_of(vendor):
    """A model of each syntax that the vendor's files have: the reader's HOSTILE, else the first of the goldens."""
    text = (lib.ROOT / f"tests/golden/inventory/{vendor}.txt").read_text(encoding="utf-8")
    return getattr(readers.load(vendor), "HOSTILE", re.findall(r"^add device \S+ .*?model=(\S+)", text, re.M)[:1])


class Field:
    """A setting of a device (or of the account on its line), and the device's file as it is with SENTINEL."""

    def __init__(self, key, mac, on_account):
        self.key, self.mac, self.on_account = key, mac, on_account
        self.bytes = self.pairs = None

    def commands(self, model):
        more = " ".join([BESIDE.get(self.key, ""), LDAP if self.key.startswith("ldap.") else ""])
        mine = f"{self.key}={SENTINEL}"
        account = mine if self.on_account else ""
        rest = [w for w in ("sip.user=u1", "sip.password=p1") if not account.startswith(w.split("=")[0] + "=")]
        return (f"add account {self.mac} {' '.join(rest)} {account}\n"
                f"add device {self.mac} model={model} sip.server=sip.example.net {more} {'' if self.on_account else mine}\nassign {self.mac} 1={self.mac}\n")


class Format:
    """The fields of one model."""

    def __init__(self, vendor, model, number, inv, mount):
        self.reader, self.model, self.mount = readers.load(vendor), model, mount
        self.fields = []
        for i, s in enumerate(TEXTS):
            key = s.get("key").replace(".N.", ".1.").replace(".M.", ".1.")
            scopes = s.get("scopes").split()
            self.fields.append(Field(key, f"02{number:02x}0000{i:04x}", "all" in scopes or "account" in scopes))
        inv.provfs("apply", "-", stdin="".join(f.commands(model) for f in self.fields))
        for f in self.fields:
            f.bytes = mount.read(f"{f.mac}.cfg")
            f.pairs = self.read(f.bytes, f)
        self.fields = [f for f in self.fields if any(SENTINEL.lower() in v.lower() for _, v in f.pairs)]

    def read(self, data, field):
        return self.reader.read(f"{field.mac}.cfg", data)

    def check(self, field, data, value):
        """The pairs are those of the sentinel's file with the value in its place."""
        text = value.decode(errors="surrogateescape")
        pairs = self.read(data, field)
        assert [k for k, _ in pairs] == [k for k, _ in field.pairs], "other keys"
        if field.key in TRANSLATED or (field.key.endswith("key.1.value") and "@" in text):  # a number with its host may be taken as such
            return
        for (key, got), (_, was) in zip(pairs, field.pairs):
            if re.fullmatch(getattr(self.reader, "ABRIDGED", "-"), key):
                continue
            before, found, after = partition(was)
            if found and got == was.replace(SENTINEL, text):
                continue
            if not found:
                assert got == was or key_hangs_on(was, got), f"{key} changed to {got[:80]!r}"
                continue
            assert got.startswith(before) and got.endswith(after), f"{key} is {got[:80]!r}"
            middle = got[len(before):len(got) - len(after)]
            assert text in self.decodings(key, middle), f"{key} has {middle[:80]!r}"

    def decodings(self, key, middle):
        """A value as it is, and out of the grammars that may stand within a value: SIP's quoted string and percent encoding, and
        what the reader's decode(key, text) knows of."""
        yield middle
        yield re.sub(r"\\(.)", r"\1", middle, flags=re.S)
        yield urllib.parse.unquote(middle, errors="surrogateescape")
        if hasattr(self.reader, "decode"):
            yield self.reader.decode(key, middle)


def partition(s):
    """As str.partition by SENTINEL, in any case."""
    at = s.lower().find(SENTINEL.lower())
    return (s, "", "") if at < 0 else (s[:at], s[at:at + len(SENTINEL)], s[at + len(SENTINEL):])


def key_hangs_on(was, got):
    """A switch that hangs on whether a value is there, or a length of it."""
    return was in ("0", "1", "on", "off", "yes", "no", "Yes", "No", "true", "false", "") and len(got) <= 5


def test_there_are_enough():
    assert len(hostile.VALUES) >= 200 and len(TEXTS) >= 40


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    inv = lib.Inventory(tmp_path_factory.mktemp("hostile"))
    mount = lib.Mount(inv, "allow_other")
    yield inv, mount
    mount.stop()


def listed_in_errors(mount):
    text = (mount.path / "control/errors").read_text(errors="replace")
    return set(re.findall(r"\b(02[0-9a-f]{10})\b", text))


class Round:
    """One value in all fields."""

    def __init__(self, mount, fields, value):
        self.value, self.kept, self.doubtful = value, 0, []
        for fmt, f in fields:
            data = mount.read(f"{f.mac}.cfg")
            try:
                fmt.check(f, data, value)
                f.bytes = data
                self.kept += 1
            except BROKEN as e:
                self.doubtful.append((fmt, f, data, e))

    def wrong(self, mount):
        """What neither has the value nor is refused: refused is the last good file, and said to be."""
        refused = listed_in_errors(mount) if self.doubtful else set()
        for fmt, f, data, e in self.doubtful:
            if data != f.bytes or f.mac not in refused:
                yield f"{fmt.model} {f.key} {self.value[:40]!r}: {e!r}"[:300]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_field(place, vendor):
    inv, mount = place
    number = VENDORS.index(vendor) * 8
    formats = [Format(vendor, model, number + i, inv, mount) for i, model in enumerate(models_of(vendor))]
    fields = [(fmt, f) for fmt in formats for f in fmt.fields]
    assert fields, f"{vendor}: no field reaches a file"
    writer = lib.FastWriter(inv)
    rows = writer.rows_of(SENTINEL)
    wrong, kept = [], {}
    for value in hostile.VALUES:
        with writer.transaction() as db:
            db.executemany("UPDATE setting SET value = CAST(? AS TEXT) WHERE scope = ? AND id = ? AND key = ? AND effective_from = ?",
                           [(value, *row) for row in rows])
        tried = Round(mount, fields, value)
        kept[value] = tried.kept
        wrong += tried.wrong(mount)
    writer.close()
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:20])
    assert kept[b"x"] == len(fields)
