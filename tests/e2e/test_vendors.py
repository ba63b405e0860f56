"""Files of the four vendors, read by other programs: awkward names and passwords come back as they were imported."""
import collections
import csv
import os
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest

import lib

ROWS = list(csv.DictReader(lib.FLEET.open(encoding="utf-8")))


def read_yealink(data):
    """The documented syntax: a version line, then `key = value`; comments begin with #."""
    lines = data.decode().splitlines()
    assert lines[0] == "#!version:1.0.0.1"
    pairs = {}
    for line in lines[1:]:
        if line and not line.startswith("#"):
            key, equals, value = line.partition("=")
            assert equals and key.strip() == key.strip().strip("#"), line
            pairs[key.strip()] = value.strip()
    return pairs


def yealink(data, n):
    pairs = read_yealink(data)
    assert pairs[f"account.{n}.enable"] == "1"
    return pairs[f"account.{n}.user_name"], pairs[f"account.{n}.password"], pairs[f"account.{n}.display_name"]


def poly(data, n):
    pairs = {k: v for element in ET.fromstring(data).iter() for k, v in element.attrib.items()}
    return pairs[f"reg.{n}.address"], pairs[f"reg.{n}.auth.password"], pairs[f"reg.{n}.displayName"]


def cisco(data, n):
    root = ET.fromstring(data)
    assert root.tag == "flat-profile"
    pairs = {element.tag: element.text or "" for element in root}
    return pairs[f"User_ID_{n}_"], pairs[f"Password_{n}_"], pairs[f"Display_Name_{n}_"]


def linphone(data, n):
    space = "{http://www.linphone.org/xsds/lpconfig.xsd}"
    sections = {s.get("name"): {e.get("name"): e.text or "" for e in s} for s in ET.fromstring(data).iter(space + "section")}
    auth, identity = sections[f"auth_info_{n - 1}"], sections[f"proxy_{n - 1}"]["reg_identity"]
    assert identity.startswith('"') and identity.endswith(">")
    name = re.sub(r"\\(.)", r"\1", identity[1:identity.rindex('" <')])
    return auth["username"], auth["passwd"], name


READERS = {"yealink-t46s": yealink, "yealink-t54w": yealink, "poly-vvx411": poly, "cisco-spa504g": cisco,
           "cisco-spa112": cisco, "linphone": linphone}


@pytest.mark.parametrize("model", READERS)
def test_every_account_comes_back(mount, model):
    rows = [r for r in ROWS if r["model"] == model]
    assert len(rows) >= 50
    for r in rows:
        got = READERS[model](mount.read(f"{r['mac']}.cfg"), int(r["line"]))
        assert got == (r["sip.user"], r["sip.password"], r["line.display_name"]), r["mac"]


def test_every_file_of_xml_is_well_formed(mount):
    names = [n for n in os.listdir(mount.path) if mount.read(n).startswith(b"<?xml")]
    assert len(names) >= 180
    r = subprocess.run(["xmllint", "--noout", "--nonet", *names], cwd=mount.path, capture_output=True, text=True, check=False)
    assert (r.returncode, r.stderr) == (0, "")


def test_each_device_has_a_main_file_by_mac(mount, fleet):
    for mac in {r["mac"] for r in ROWS}:
        assert mount.read(f"{mac}.cfg")
    assert mount.read("000e08000007.cfg") == fleet.render("000e08000007")


def test_ls_shows_the_fleet(mount):
    listed = os.listdir(mount.path)
    macs = collections.Counter(name[:12].lower() for name in listed)
    assert all(macs[mac] >= 1 for mac in {r["mac"] for r in ROWS})
    assert "000000000000.cfg" in listed and any(n.startswith("y0000000000") for n in listed)


def test_unused_lines_are_written_as_disabled(mount):
    pairs = read_yealink(mount.read("805ec0000007.cfg"))  # one line in use
    assert pairs["account.1.enable"] == "1" and pairs["account.2.enable"] == "0"


def test_a_managed_key_is_still_there_after_unset(own_fleet):
    before = read_yealink(own_fleet.render("001565000007"))
    own_fleet.provfs("set", "profile", "office", "time.ntp=ntp.example.net", "phone.language=de", "sip.transport=tls")
    changed = read_yealink(own_fleet.render("001565000007"))
    own_fleet.provfs("unset", "profile", "office", "time.ntp", "phone.language", "sip.transport")
    assert changed != before and changed.keys() == before.keys()
    assert read_yealink(own_fleet.render("001565000007")) == before


@pytest.mark.parametrize("override, mac, want", [
    ("yealink:features.dnd.enable=0", "001565000007", b"features.dnd.enable = 0"),
    ("poly:feature.presence.enabled=1", "0004f2000007", b'feature.presence.enabled="1"'),
    ("cisco-spa:DND_Serv=No", "d0c789000007", b"<DND_Serv>No</DND_Serv>"),
])
def test_override_adds_a_native_key(own_fleet, override, mac, want):
    own_fleet.provfs("set", "device", mac, override)
    assert want in own_fleet.render(mac)


def test_override_replaces_a_native_key(own_fleet):
    own_fleet.provfs("set", "device", "001565000007", "yealink:account.1.display_name=Front Desk")
    lines = own_fleet.render("001565000007").decode().splitlines()
    assert [x for x in lines if x.startswith("account.1.display_name ")] == ["account.1.display_name = Front Desk"]
