#!/usr/bin/env python3
"""Renders the goldens' inventory with provfs and compares it with what is kept here, byte by byte.

usage: run.py [--update] PROVFS [DATADIR]

Every file is also read by another program's parser, and the accounts must come back as inventory.txt says; and for every model
of every shipped template, a device that sets everything and one that sets nothing must have the same keys.
--update writes what is rendered as the new goldens: look at the difference before you commit it.
"""
import collections
import os
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
INVENTORY = HERE / "inventory.txt"
EXPECTED = HERE / "expected"
LPCONFIG = "{http://www.linphone.org/xsds/lpconfig.xsd}"

# What a device is asked for beside its main file.
COMMON = {"001565000001": ["y000000000066.cfg"], "0004f2000001": ["0004f2000001-user.cfg", "000000000000.cfg"],
          "d0c789000001": ["spa504G.cfg"], "000e08000002": ["init.cfg"]}

# Keys that stand in a file only where the inventory sets them: passwords and the way to the files (docs/vendors.md), keys of what is
# set on a module, and SRTP on old firmware.
WHERE_SET = re.compile(
    r"(static\.)?security\.user_password|(static\.)?auto_provision\.server\.url|expansion_module\..*"
    r"|device\.(auth|prov)\..*|(Admin_Passwd|User_Password|Web_Login_.*|Profile_Rule|Profile_Rule_B)|misc/config-uri"
    r"|account\.\d+\.srtp_encryption")


class Provfs:
    """The program with an inventory of its own."""

    def __init__(self, program, datadir, folder):
        self.program = program
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PROVFS_")}
        self.env.update(PROVFS_DATABASE=f"{folder}/inventory.db", PROVFS_DATADIR=str(datadir), PROVFS_TEMPLATES=f"{folder}/none",
                        PROVFS_ASSETS=f"{folder}/none", PROVFS_CONF=f"{folder}/none.conf", LC_ALL="C.UTF-8")
        self("init")

    def __call__(self, *args, stdin=""):
        r = subprocess.run([self.program, *args], input=stdin.encode(), capture_output=True, env=self.env, check=False)
        if r.returncode:
            raise AssertionError(f"provfs {' '.join(args)}: exit {r.returncode}: {r.stderr.decode()}")
        return r.stdout


# ---- other programs' parsers ------------------------------------------------------------------------------------


def read_properties(data):
    lines = data.decode().split("\n")
    assert lines[0] == "#!version:1.0.0.1" and lines[-1] == "", "version line, and a line end at the end"
    return [(k, "" if v == "%NULL%" else v) for k, v in (x.split(" = ", 1) for x in lines[1:-1])]


def read_xml(data):
    root = ET.fromstring(data)
    if root.tag == "APPLICATION":
        return [pair for element in root.iter() for pair in element.attrib.items()]
    if root.tag == LPCONFIG + "config":
        return [(f"{s.get('name')}/{e.get('name')}", e.text or "") for s in root for e in s]
    assert root.tag == "flat-profile" and b"/>" not in data.split(b"?>", 1)[1], "an empty-element tag"
    return [(e.tag, e.text or "") for e in root.iter() if e is not root and len(e) == 0]


def read(data):
    return read_xml(data) if data.startswith(b"<?xml") else read_properties(data)


def unquote_identity(identity):
    """A display name and the user part of a SIP name-addr (RFC 3261 25.1)."""
    m = re.fullmatch(r'"((?:[^"\\]|\\.)*)" <sip:(.*)@[^@]*>', identity)
    if not m:
        return "", re.fullmatch(r"sip:(.*)@[^@]*", identity).group(1)
    return re.sub(r"\\(.)", r"\1", m.group(1)), m.group(2)


def unescape(user):
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), user)


ACCOUNT_KEYS = {
    "yealink": ("account.{n}.user_name", "account.{n}.auth_name", "account.{n}.password", "account.{n}.display_name"),
    "poly": ("reg.{n}.address", "reg.{n}.auth.userId", "reg.{n}.auth.password", "reg.{n}.displayName"),
    "cisco-": ("User_ID_{n}_", "Auth_ID_{n}_", "Password_{n}_", "Display_Name_{n}_"),
}


def account_in(model, pairs, line, place):
    """User, auth user, password, name of a line; place: the how-many-th line in use it is."""
    if model == "linphone":
        name, user = unquote_identity(pairs[f"proxy_{place}/reg_identity"])
        assert unescape(user) == pairs[f"auth_info_{place}/username"]
        return tuple(pairs[f"auth_info_{place}/{k}"] for k in ("username", "userid", "passwd")) + (name,)
    keys = next(k for vendor, k in ACCOUNT_KEYS.items() if model.startswith(vendor))
    return tuple(pairs[k.format(n=line)] for k in keys)


# ---- the inventory, as far as these tests need it ------------------------------------------------------------------


class Inventory:
    def __init__(self, text):
        self.models, self.lines, self.accounts = {}, collections.defaultdict(dict), {}
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[:2] == ["add", "device"]:
                self.models[words[2]] = dict(w.split("=", 1) for w in words[3:])["model"]
            elif words[:2] == ["add", "account"]:
                self.accounts[words[2]] = dict(w.split("=", 1) for w in words[3:])
            elif words[:1] == ["assign"]:
                self.lines[words[1]].update((int(n), a) for n, a in (w.split("=", 1) for w in words[2:]))

    def account(self, name):
        a = self.accounts[name]
        user = a.get("sip.user", name.partition("@")[0])
        return user, a.get("sip.auth_user", user), a["sip.password"], a.get("line.display_name", "")


# ---- the tests --------------------------------------------------------------------------------------------------


def files(inventory, provfs):
    for mac in inventory.models:
        yield mac, f"{mac}.cfg", provfs("render", mac)
        for name in COMMON.get(mac, []):
            yield mac, name, provfs("render", mac, name)


def compare(name, data, update):
    path = EXPECTED / name
    if update:
        EXPECTED.mkdir(exist_ok=True)
        path.write_bytes(data)
        return
    assert path.exists(), f"{path} is missing: run.py --update"
    if path.read_bytes() != data:
        new = Path(tempfile.gettempdir()) / f"provfs-golden-{name}"
        new.write_bytes(data)
        diff = subprocess.run(["diff", "-u", path, new], capture_output=True, check=False).stdout.decode(errors="replace")
        raise AssertionError("\n".join(diff.splitlines()[:40]))


def check_accounts(inventory, mac, data):
    pairs = dict(read(data))
    for place, (line, account) in enumerate(sorted(inventory.lines[mac].items())):
        got = account_in(inventory.models[mac], pairs, line, place)
        assert got == inventory.account(account), f"line {line}: {got} is not {inventory.account(account)}"


def check_keys_of_all_models(provfs):
    """Three states (design.md 5): a key that is set and then unset is still in the file."""
    for vendor in ("yealink", "poly", "cisco-spa", "linphone"):
        models = provfs("list", "models", "-q", f"vendor={vendor}").decode().split()
        assert models, f"no models of {vendor}"
        for i, model in enumerate(models):
            macs = {p: f"02{'ab' if p == 'full' else 'cd'}{len(vendor):02x}{i:06x}" for p in ("full", "bare")}
            provfs("apply", "-", stdin="".join(f"add device {m} model={model} profile={p}\n" for p, m in macs.items()))
            keys = {p: {k for k, _ in read(provfs("render", m))} for p, m in macs.items()}
            odd = [k for k in keys["full"] ^ keys["bare"] if not WHERE_SET.fullmatch(k)]
            assert not odd, f"{model}: only with or without settings: {sorted(odd)}"


def main():
    args = [a for a in sys.argv[1:] if a != "--update"]
    update = "--update" in sys.argv
    if not 1 <= len(args) <= 2:
        sys.exit(__doc__)
    datadir = Path(args[1]) if len(args) == 2 else HERE.parents[1]
    inventory, failed = Inventory(INVENTORY.read_text(encoding="utf-8")), 0
    with tempfile.TemporaryDirectory(prefix="provfs-golden-") as folder:
        provfs = Provfs(os.path.abspath(args[0]), datadir, folder)
        provfs("apply", "-", stdin=INVENTORY.read_text(encoding="utf-8"))
        for mac, name, data in files(inventory, provfs):
            try:
                compare(name, data, update)
                if name == f"{mac}.cfg":
                    check_accounts(inventory, mac, data)
                else:
                    read(data)
            except (AssertionError, KeyError, ValueError, ET.ParseError) as e:
                print(f"FAILED {inventory.models[mac]} {name}: {e!r}"[:4000].replace("\\n", "\n"))
                failed += 1
        try:
            check_keys_of_all_models(provfs)
        except AssertionError as e:
            print(f"FAILED {e}")
            failed += 1
    print("all goldens passed" if not failed else f"{failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
