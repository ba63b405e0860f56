"""Bad input gets one line that says what and where, and exit code 1; nothing has changed."""
import csv
import fcntl
import io
import os
import sqlite3
import subprocess
import time

import pytest

import lib

MAC = "001565000007"
ACCOUNT = "10001@customer-00000"
HEADER = "mac,model,profile,customer,line,account,sip.password"
ROW = "001565aaaaaa,yealink-t46s,office,acme,1,1@acme,secret"


@pytest.mark.parametrize("command, says", [
    # unknown objects and keys
    (("add", "device", "001565aaaaaa", "model=yealink-t99", "profile=office"), "yealink-t99"),
    (("add", "device", "001565aaaaaa", "model=yealink-t46s", "profile=ofice"), "ofice"),
    (("add", "device", "001565aaaaaa", "model=yealink-t46s", "customer=nobody"), "nobody"),
    (("set", "profile", "office", "sip.sever=a.example.net"), ["sip.sever", "sip.server"]),
    (("set", "profile", "ofice", "sip.server=a.example.net"), "ofice"),
    (("set", "account", "nobody@acme", "sip.password=x"), "nobody@acme"),
    (("set", "device", "001565aaaaaa", "sip.server=a.example.net"), "001565aaaaaa"),
    (("set", "model", "yealink-t99", "sip.server=a.example.net"), "yealink-t99"),
    (("set", "line", f"{MAC}/4", "line.label=x"), f"{MAC}/4"),
    (("unset", "profile", "office", "sip.sever"), "sip.sever"),
    (("assign", MAC, "3=nobody@acme"), "nobody@acme"),
    (("delete", "profile", "ofice", "--yes"), "ofice"),
    (("rename", "profile", "ofice", "office2"), "ofice"),
    (("show", "device", "001565aaaaaa"), "001565aaaaaa"),
    (("render", "001565aaaaaa"), "001565aaaaaa"),
    (("render", MAC, "no-such-file.cfg"), "no-such-file.cfg"),
    (("explain", MAC, "sip.sever"), "sip.sever"),
    # values of the wrong type
    (("set", "profile", "office", "sip.port=abc"), "sip.port"),
    (("set", "profile", "office", "sip.port=65536"), ["sip.port", "65535"]),
    (("set", "profile", "office", "sip.port=-1"), "sip.port"),
    (("set", "profile", "office", "sip.transport=pigeon"), ["sip.transport", "udp"]),
    (("set", "profile", "office", "audio.codecs=g722,mp3"), ["audio.codecs", "mp3"]),
    (("set", "profile", "office", "audio.codecs=g722,g722"), "audio.codecs"),
    (("set", "profile", "office", "time.zone=Mars/Olympus"), ["time.zone", "Mars/Olympus"]),
    (("set", "profile", "office", "time.zone=../../etc/passwd"), "time.zone"),
    (("set", "profile", "office", "phone.web=maybe"), ["phone.web", "on"]),
    (("set", "profile", "office", "sip.server=two words"), "sip.server"),
    (("set", "profile", "office", "provision.url=example.net"), "provision.url"),
    (("set", "profile", "office", "provision.time=25:00"), "provision.time"),
    (("set", "device", MAC, "enabled=perhaps"), "enabled"),
    (("set", "profile", "office", "--from", "yesterday", "sip.server=a.example.net"), "yesterday"),
    # where it may not stand
    (("set", "profile", "office", "sip.password=x"), "sip.password"),
    (("set", "account", ACCOUNT, "net.vlan=5"), "net.vlan"),
    # MACs and names
    (("add", "device", "0156500000a", "model=yealink-t46s"), "leading zeros"),
    (("add", "device", "00156500000z", "model=yealink-t46s"), "00156500000z"),
    (("add", "device", "000000000000", "model=yealink-t46s"), "000000000000"),
    (("add", "device", "ffffffffffff", "model=yealink-t46s"), "ffffffffffff"),
    (("add", "device", "01005e000001", "model=yealink-t46s"), "multicast"),
    (("add", "profile", "my profile"), "my profile"),
    (("add", "profile", "a" * 65), "64"),
    (("add", "profile", "a/b"), "a/b"),
    (("add", "profile", ".."), ".."),
    # what is there already, or in use
    (("add", "device", MAC, "model=yealink-t46s"), MAC),
    (("add", "device", "00:15:65:00:00:07", "model=yealink-t46s"), MAC),
    (("add", "profile", "office"), "office"),
    (("rename", "profile", "office", "home"), "home"),
    (("delete", "profile", "office", "--yes"), "office"),
    (("delete", "account", ACCOUNT, "--yes"), ACCOUNT),
    (("delete", "device", MAC, "--yes"), MAC),
    # lines
    (("assign", MAC, f"99={ACCOUNT}"), "99"),
    (("assign", MAC, f"0={ACCOUNT}"), "0"),
    (("set", "profile", "office", "parent=office"), "office"),
])
def test_commands(fleet, command, says):
    fleet.refused(*command, says=says)


def test_a_line_of_a_command_file_is_named_and_nothing_is_done(fleet):
    text = "set profile office sip.server=a.example.net\n# comment\nset profile office sip.port=x\n"
    fleet.refused("apply", "-", stdin=text, says=["line 3", "sip.port"])


def test_a_quote_left_open_in_a_command_file(fleet):
    fleet.refused("apply", "-", stdin='set profile office sip.server="a.example.net\n', says="line 1")


def test_secrets_are_not_in_the_message(fleet):
    line = fleet.refused("set", "account", ACCOUNT, "sip.password=hush\x01hush", says="sip.password")
    assert "hush" not in line


# ---- usage


@pytest.mark.parametrize("command", [
    (), ("frobnicate",), ("set",), ("set", "profile"), ("set", "profile", "office"), ("add",), ("add", "device"), ("render",),
    ("list", "sandwiches"), ("list", "devices", "--no-such-option"), ("import",), ("assign", MAC), ("rename", "profile", "office"),
    ("mount",), ("init", "too", "many"),
])
def test_usage_errors_are_2(fleet, command):
    before = fleet.dump()
    r = fleet.run(*command)
    assert r.returncode == 2 and r.stderr and not r.stdout and fleet.dump() == before


# ---- CSV


def refused_csv(inventory, text, *says):
    return inventory.refused("import", "-", stdin=text, says=says)


@pytest.mark.parametrize("text, says", [
    (HEADER + "\n" + ROW.replace("yealink-t46s", "yealink-t99"), ["row 2", "yealink-t99"]),
    (HEADER + "\n" + ROW.replace("office", "ofice"), ["row 2", "ofice"]),
    (HEADER + "\n" + ROW.replace("001565aaaaaa", "1565aaaaaa0"), ["row 2", "leading zeros"]),
    (HEADER + "\n" + ROW.replace("001565aaaaaa", MAC), ["row 2", MAC]),
    (HEADER + "\n" + ROW.replace(",1,", ",99,"), ["row 2", "99"]),
    (HEADER + "\n" + ROW.replace(",1,", ",one,"), ["row 2", "line"]),
    (HEADER + "\n" + ROW + "\n" + ROW.replace("1@acme", "2@acme"), ["row 3"]),
    (HEADER + "\n" + ROW + "\n" + ROW.replace("office", "home").replace(",1,1@", ",2,2@"), ["row 3", "profile"]),
    (HEADER + "\n" + ROW + ",one-too-many", ["row 2"]),
    (HEADER + "\n" + ROW.rsplit(",", 2)[0], ["row 2"]),
    (HEADER + ",sip.server\n" + ROW + ",a.example.net", ["sip.server", "/"]),
    (HEADER + ",device/sip.sever\n" + ROW + ",a.example.net", ["sip.sever"]),
    (HEADER + ",colour\n" + ROW + ",red", ["colour"]),
    (HEADER + ",mac\n" + ROW + "," + MAC, ["mac"]),
    (HEADER.replace("mac,", "") + "\n" + ROW.partition(",")[2], ["mac"]),
    (HEADER + ",device/sip.port\n" + ROW + ",abc", ["row 2", "sip.port"]),
    (HEADER + "\n" + ROW.replace("secret", '"secret'), ["row 2", "quote"]),
    ("", []),
])
def test_csv(fleet, text, says):
    refused_csv(fleet, text + "\n", *says)


def test_csv_of_latin_1(fleet):
    text = (HEADER + ",line.display_name\n" + ROW + ",Grüne\n").encode("latin-1")
    fleet.refused("import", "-", stdin=text, says=["row 2", "UTF-8"])


def test_twenty_bad_rows_among_300_are_all_named(inv):
    """All at once, by number, column and cause; and nothing is imported."""
    inv.add_profiles()
    rows = list(csv.reader(lib.FLEET.open(encoding="utf-8")))
    bad = range(10, 610, 30)
    for n in bad:
        rows[n - 1][7 if n % 20 else 4] = "bad\x01value" if n % 20 else "77"
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    before = inv.dump()
    r = inv.run("import", "-", stdin=out.getvalue())
    said = r.stderr.decode()
    assert r.returncode == 1 and inv.dump() == before
    assert [n for n in bad if f"row {n}:" not in said and f"row {n}," not in said] == []
    assert said.count("sip.password") >= 10 and "bad" not in said.replace("bad row", "")


def test_dry_run_changes_nothing(inv):
    inv.add_profiles()
    before = inv.dump()
    inv.provfs("import", "--dry-run", lib.FLEET)
    assert inv.dump() == before


def test_import_of_a_file_that_is_not_there(fleet):
    fleet.refused("import", "/no/such/file.csv", says="/no/such/file.csv")


# ---- templates


@pytest.mark.parametrize("line, text, says", [
    (1, '<!DOCTYPE template [<!ENTITY a "b">]>\n<template vendor="acme" title="A" absent-key="kept"/>', "DOCTYPE"),
    (2, '<template vendor="acme" title="A" absent-key="kept">\n<modell name="acme-1" lines="1" keys="0"/></template>', "modell"),
    (4, '<template vendor="acme" title="A" absent-key="kept">\n<model name="acme-1" title="A" lines="1" keys="0"/>\n'
        '<file name="{mac}.cfg" main="yes" syntax="properties">\n<set key="a" value="{sip.sever}"/></file></template>', "sip.sever"),
    (4, '<template vendor="acme" title="A" absent-key="kept">\n<model name="acme-1" title="A" lines="1" keys="0"/>\n'
        '<file name="{mac}.cfg" main="yes" syntax="properties">\n<set key="a" value="{sip.server|frob}"/></file></template>', "frob"),
    (3, '<template vendor="acme" title="A" absent-key="kept">\n<model name="acme-1" title="A" lines="1" keys="0"/>\n', "acme.xml"),
])
def test_templates(fleet, tmp_path, line, text, says):
    (tmp_path / "acme").mkdir()
    (tmp_path / "acme" / "acme.xml").write_text(text)
    fleet.refused("check", "--templates", tmp_path, says=[f"acme.xml:{line}", says])


# ---- databases


def refused_database(inventory, says, *command):
    """By every kind of command, and the file stays byte for byte."""
    before = inventory.db.read_bytes() if inventory.db.exists() else None
    for args in [command] if command else [("list", "devices"), ("set", "site", "sip.server=a.example.net"), ("render", MAC),
                                           ("mount", inventory.phones)]:
        r = inventory.run(*args)
        line = r.stderr.decode()
        assert r.returncode == 1 and line.count("\n") == 1, f"{args}: {r.returncode} {line}"
        assert str(inventory.db) in line and says in line, f"{args}: {line}"
        assert not lib.is_mounted(inventory.phones)
    assert before == (inventory.db.read_bytes() if inventory.db.exists() else None)


def test_no_database(tmp_path):
    refused_database(lib.Inventory(tmp_path, init=False), "provfs init")


@pytest.mark.parametrize("content", [b"", b"hello\n" * 1000, os.urandom(8192), b"SQLite format 3\0" + bytes(4080)])
def test_a_file_that_is_no_database(tmp_path, content):
    inv = lib.Inventory(tmp_path, init=False)
    inv.db.write_bytes(content)
    refused_database(inv, "")


def test_a_database_of_another_program(tmp_path):
    inv = lib.Inventory(tmp_path, init=False)
    with sqlite3.connect(inv.db) as c:
        c.execute("CREATE TABLE device (mac TEXT)")
    c.close()
    refused_database(inv, "")


def test_a_newer_schema(inv):
    with sqlite3.connect(inv.db) as c:
        c.execute("PRAGMA user_version = 9999")
    c.close()
    refused_database(inv, "9999")


def test_a_folder(tmp_path):
    inv = lib.Inventory(tmp_path, init=False)
    inv.db.mkdir()
    r = inv.run("list", "devices")
    assert r.returncode == 1 and str(inv.db) in r.stderr.decode()


def test_init_where_one_is(inv):
    inv.refused("init", says=str(inv.db))


@pytest.fixture
def read_only(inv):
    """The inventory on a filesystem that is mounted read-only."""
    inv.add_profiles()
    place = str(inv.folder / "ro")
    os.mkdir(place)
    inv.run("-d", f"{place}/inventory.db", "init")
    subprocess.run(["mount", "--bind", place, place], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
    yield f"{place}/inventory.db"
    subprocess.run(["umount", "-l", place], check=True)


def test_a_read_only_database(inv, read_only):
    r = inv.run("-d", read_only, "add", "profile", "x")
    assert (r.returncode, r.stderr.count(b"\n")) == (1, 1) and b"read-only" in r.stderr.lower(), r.stderr
    assert inv.run("-d", read_only, "list", "profiles").returncode == 0


def answered_in_time(inventory, *command):
    """Refused because the inventory is locked, within the two seconds of P9 (and some for a busy machine)."""
    start = time.monotonic()
    line = inventory.refused(*command)
    assert time.monotonic() - start < 4
    assert "in use" in line, line


def test_a_database_locked_by_another_writer(inv):
    inv.add_profiles()
    with open(str(inv.db) + ".lock", "r+b") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        answered_in_time(inv, "set", "profile", "office", "sip.server=a.example.net")
        assert "office" in inv.provfs("list", "profiles")
    inv.provfs("set", "profile", "office", "sip.server=a.example.net")


def test_a_database_locked_by_sqlite(inv):
    inv.add_profiles()
    c = sqlite3.connect(inv.db, isolation_level=None)
    c.execute("BEGIN IMMEDIATE")
    answered_in_time(inv, "set", "profile", "office", "sip.server=a.example.net")
    c.execute("ROLLBACK")
    c.close()
