"""P5: no value can change a file's structure; a template that fails leaves the last good version in service."""
import os
import xml.etree.ElementTree as ET

import pytest

import lib
from test_vendors import READERS, read_yealink

ACCOUNT = "1001@acme"
AWKWARD = ["a=b", "#hash", "<x a='1'>&amp;</x>", "]]>", "--", "%NULL", '"', "'", "\\", "\\n", "{sip.server}", "{{", "ü€𝄞", "a" * 500,
           "x\u00a0y", "<!DOCTYPE a>", "${HOME}", "$MA", "%s%n", ";", "é\u0301"]


@pytest.fixture
def phone(inv, request):
    """A function that adds one device of a model with one account."""

    def add(model, mac="02a1b2000001"):
        inv.provfs("put", "account", ACCOUNT, "customer=acme")
        inv.provfs("add", "device", mac, f"model={model}", "profile=office", "customer=acme")
        inv.provfs("assign", mac, f"1={ACCOUNT}")
        return mac

    inv.provfs("add", "profile", "office")
    inv.provfs("add", "customer", "acme")
    return add


@pytest.mark.parametrize("model", READERS)
def test_awkward_values_come_back(inv, phone, model):
    mac = phone(model)
    for value in AWKWARD:
        r = inv.run("set", "account", ACCOUNT, f"line.display_name={value}", f"sip.password={value}")
        assert r.returncode == 0, f"{value!r}: {r.stderr.decode()}"
        assert READERS[model](inv.render(mac), 1)[1:] == (value, value)


@pytest.mark.parametrize("model", READERS)
@pytest.mark.parametrize("value", ["a\x01b", "a\x1bb", "tail\x0b"])
def test_control_characters_are_refused(inv, phone, model, value):
    mac = phone(model)
    before = inv.render(mac)
    inv.refused("set", "account", ACCOUNT, f"line.display_name={value}", says="line.display_name")
    assert inv.render(mac) == before


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nstatic.security.user_password = admin:1"])
def test_a_line_break_cannot_begin_another_yealink_key(inv, phone, value):
    phone("yealink-t46s")
    inv.refused("set", "account", ACCOUNT, f"line.display_name={value}", says="line.display_name")
    inv.refused("set", "profile", "office", f"yealink:features.x={value}", says="yealink:features.x")


@pytest.mark.parametrize("key", ["yealink:a\nb", "yealink:a = b", "poly:a b", 'poly:a"b', "cisco-spa:a><b", "cisco-spa:1a"])
def test_native_keys_that_the_syntax_cannot_write_are_refused(inv, phone, key):
    phone({"y": "yealink-t46s", "p": "poly-vvx411", "c": "cisco-spa504g"}[key[0]])
    before = inv.dump()
    r = inv.run("set", "profile", "office", f"{key}=1")
    assert r.returncode in (1, 2) and inv.dump() == before


def test_a_value_that_a_model_in_the_inventory_can_write_is_taken_and_the_model_that_cannot_is_refused(inv, phone):
    """A line break in a name is fine in Poly's XML, until a Yealink is to have it."""
    mac = phone("poly-vvx411")
    r = inv.run("set", "account", ACCOUNT, "line.display_name=two\nlines")
    if r.returncode:  # the template refuses line breaks for this firmware too: then it says so
        assert r.returncode == 1 and b"line.display_name" in r.stderr
        return
    ET.fromstring(inv.render(mac))
    inv.refused("set", "device", mac, "model=yealink-t46s")


def test_reserved_word_is_refused(inv, phone):
    phone("yealink-t46s")
    inv.refused("set", "account", ACCOUNT, "line.display_name=%NULL%", says="line.display_name")


# ---- templates


def site_template(inventory, text, name="acme"):
    """Puts a template in the site's folder as an editor does: by rename."""
    folder = inventory.templates / name
    folder.mkdir(exist_ok=True)
    (folder / "new").write_text(text)
    os.rename(folder / "new", folder / f"{name}.xml")


GOOD = """<template vendor="acme" title="Acme" absent-key="kept">
  <model name="acme-1" title="Acme 1" lines="1" keys="0"/>
  <file name="acme-{mac}.txt" main="yes" syntax="properties">
    <set key="server" value="{sip.server}"/>
  </file>
</template>
"""


@pytest.fixture
def acme(inv, mounted):
    """A mount with one phone of a site's own vendor."""
    site_template(inv, GOOD)
    inv.provfs("add", "profile", "office", "sip.server=one.example.net")
    inv.provfs("add", "device", "02a1b2000001", "model=acme-1", "profile=office")
    m = mounted(inv)
    assert m.read("acme-02a1b2000001.txt") == b"server = one.example.net\n"
    return m


def test_a_changed_template_is_in_service_within_a_second(inv, acme):
    site_template(inv, GOOD.replace('"server"', '"registrar"'))
    lib.wait_for("the new template", lambda: acme.read("acme-02a1b2000001.txt").startswith(b"registrar"), 1.5)


@pytest.mark.parametrize("text", [
    GOOD.replace("</file>", ""), GOOD.replace("sip.server", "sip.sever"), GOOD.replace("<set ", "<sett "), ""],
    ids=["not well-formed", "no such setting", "unknown element", "empty"])
def test_a_broken_template_leaves_the_last_good_one_in_service(inv, acme, text):
    acme.expect(r"acme\.xml")
    site_template(inv, text)
    lib.wait_for("the daemon to say it", lambda: "acme.xml" in acme.log.read_text(), 5)
    inv.provfs("set", "profile", "office", "sip.server=two.example.net")
    assert acme.read("acme-02a1b2000001.txt") == b"server = two.example.net\n"
    r = inv.run("check")
    assert r.returncode == 1 and b"acme.xml:" in r.stdout + r.stderr
    site_template(inv, GOOD)
    assert inv.run("check").returncode == 0


OWN = """<template extends="yealink">
  <model name="yealink-own" like="yealink-t46s"/>
  <file name="{mac}.cfg"><alias name="prov/{mac}/own.cfg"/><set key="zz.own" value="1"/></file>
</template>
"""


def test_a_changed_change_to_a_shipped_template(inv, mounted):
    """In service within a second; a broken one leaves the last good one; taken away, the shipped one is as it was."""
    inv.provfs("add", "profile", "office", "sip.server=one.example.net")
    inv.provfs("add", "device", "001565000007", "model=yealink-t46s", "profile=office")
    shipped = inv.render("001565000007")
    m = mounted(inv)
    m.expect(r"own\.xml")
    site_template(inv, OWN, "own")
    lib.wait_for("the change", lambda: m.read("001565000007.cfg") == shipped + b"zz.own = 1\n", 2)
    assert m.read("prov/001565000007/own.cfg") == m.read("001565000007.cfg") == inv.render("001565000007")
    inv.provfs("set", "device", "001565000007", "model=yealink-own")
    assert m.read("001565000007.cfg") == shipped + b"zz.own = 1\n"
    site_template(inv, OWN.replace("t46s", "t64s"), "own")
    lib.wait_for("the daemon to say it", lambda: "did you mean" in m.log.read_text(), 5)
    assert "own.xml:2: like: no model is \"yealink-t64s\"" in m.log.read_text()
    inv.provfs("set", "profile", "office", "sip.server=two.example.net")
    assert b"two.example.net" in m.read("001565000007.cfg") and m.read("001565000007.cfg").endswith(b"zz.own = 1\n")
    assert b"own.xml:2: like" in inv.run("check").stdout
    site_template(inv, OWN.replace("zz.own", "zz.two"), "own")
    lib.wait_for("the mended one", lambda: m.read("001565000007.cfg").endswith(b"zz.two = 1\n"), 2)
    inv.provfs("set", "device", "001565000007", "model=yealink-t46s")
    inv.provfs("set", "profile", "office", "sip.server=one.example.net")
    os.unlink(inv.templates / "own/own.xml")
    lib.wait_for("the shipped one", lambda: m.read("001565000007.cfg") == shipped, 2)
    assert not (m.path / "prov").exists()


def test_what_slips_by_leaves_the_last_good_version(inv, acme):
    """Written by SQL, which asks nobody: the phone keeps what it had, and the log says why."""
    acme.expect("02a1b2000001")
    writer = lib.FastWriter(inv)
    writer.set(writer.rows_of("one.example.net"), "two.example.net\nevil = 1")
    assert acme.read("acme-02a1b2000001.txt") == b"server = one.example.net\n"
    assert "02a1b2000001" in acme.log.read_text()
    writer.set(writer.rows_of("two.example.net\nevil = 1"), "three.example.net")
    assert acme.read("acme-02a1b2000001.txt") == b"server = three.example.net\n"
    writer.close()


def test_with_no_good_version_the_file_is_an_error_and_not_absent(inv, mounted):
    site_template(inv, GOOD)
    inv.provfs("add", "profile", "office", "sip.server=one.example.net")
    inv.provfs("add", "device", "02a1b2000001", "model=acme-1", "profile=office")
    writer = lib.FastWriter(inv)
    writer.set(writer.rows_of("one.example.net"), "a\nb")
    m = mounted(inv)
    m.expect("02a1b2000001")
    with pytest.raises(OSError) as e:
        m.read("acme-02a1b2000001.txt")
    assert e.value.errno == 5
    writer.close()


def test_yealink_files_stay_pairs(mount):
    for name in os.listdir(mount.path):
        if name.startswith(("001565", "805ec0", "y0")) and name.endswith(".cfg"):
            assert read_yealink(mount.read(name))
