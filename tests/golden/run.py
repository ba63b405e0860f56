#!/usr/bin/env python3
"""Renders the goldens' inventories with provfs and compares them with what is kept here, byte by byte.

usage: run.py [--update] [--only VENDOR] PROVFS [DATADIR]

A vendor of the shipped templates has
  inventory/VENDOR.txt   its devices; accounts and profiles of all vendors are in inventory/common.txt
  expected/VENDOR/       its files
  readers/VENDOR.py      how its firmware reads a file, without provfs:
      read(name, data)   -> [(key, value)]; raises where the firmware would not take the file. Main files are called MAC.cfg
      account(model, pairs, line, place)  -> (user, auth user, password, display name) of a line; pairs: a dict of the main file;
                            place: the how-many-th line in use it is, from 0
      COMMON             {mac: [name]}: what a device is asked for beside its main file
      WHERE_SET          a regex: keys that may stand in a file only where the inventory sets them
      HOSTILE            [model]: one of each syntax, for tests/e2e/test_hostile.py; the first of the inventory where it is not said
      decode(key, text)  a value out of a notation of its own within the file's syntax, for the same; ABRIDGED a regex of keys that
                         have as much of a value as there is room for
      FULL               settings of the device that sets everything, where the profile's cannot be had ("" if it can)
      BOOK, contacts(data)  the phone book, "{mac}-book.xml" (among COMMON), and how it is read: [(name, number)]
      ACCOUNTS           the file that has the accounts, if it is not the main one: "{mac}-lines.xml"
      zone(model, pairs) what the file says of its time zone: see zones.py

Every file is read by the reader, the accounts must come back as the inventory has them, in phone books the listed ones of the device's customer, and for every model a device that sets
everything and one that sets nothing must have the same keys. A vendor without reader or goldens fails, and so does a key of the
catalogue that common.txt does not set.
--update writes what is rendered as the new goldens: look at the difference before you commit it.
"""
import argparse
import collections
import concurrent.futures
import os
import re
import shlex
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import readers

HERE = Path(__file__).resolve().parent
COMMON = (HERE / "inventory/common.txt").read_text(encoding="utf-8")
FAULTS = (AssertionError, KeyError, ValueError, IndexError, AttributeError, StopIteration, ET.ParseError)


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


def datadir_of(vendor, datadir, folder):
    """A data folder with this vendor's templates alone: the program starts faster."""
    path = Path(folder) / "data"
    (path / "templates").mkdir(parents=True)
    (path / "schema").symlink_to(Path(datadir).resolve() / "schema")
    (path / "templates" / vendor).symlink_to(Path(datadir).resolve() / "templates" / vendor)
    return path


class Inventory:
    """An inventory, as far as these tests need it."""

    def __init__(self, text):
        self.models, self.lines, self.accounts, self.customers = {}, collections.defaultdict(dict), {}, {}
        for line in text.splitlines():
            words = shlex.split(line, comments=line.startswith("#"))
            if words[:2] == ["add", "device"]:
                fields = dict(w.split("=", 1) for w in words[3:])
                self.models[words[2]], self.customers[words[2]] = fields["model"], fields.get("customer")
            elif words[:2] == ["add", "account"]:
                self.accounts[words[2]] = dict(w.split("=", 1) for w in words[3:])
            elif words[:1] == ["assign"]:
                self.lines[words[1]].update((int(n), a) for n, a in (w.split("=", 1) for w in words[2:]))

    def contacts(self, mac):
        """Name and number of who stands in the device's phone books, in no order."""
        listed = [n for n, a in self.accounts.items() if a.get("customer") == self.customers[mac] and a.get("directory.listed") != "off"]
        return sorted((self.account(n)[3] or self.account(n)[0], self.account(n)[0]) for n in listed)

    def account(self, name):
        a = self.accounts[name]
        user = a.get("sip.user", name.partition("@")[0])
        return user, a.get("sip.auth_user", user), a["sip.password"], a.get("line.display_name", "")


def load_reader(vendor):
    path = HERE / "readers" / f"{vendor}.py"
    assert path.exists(), f"{path.relative_to(HERE)} is missing"
    return readers.load(vendor)


def compare(path, data, update):
    if update:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return
    assert path.exists(), f"{path.relative_to(HERE)} is missing: run.py --update"
    if path.read_bytes() != data:
        new = Path(tempfile.gettempdir()) / f"provfs-golden-{path.name}"
        new.write_bytes(data)
        diff = subprocess.run(["diff", "-au", path, new], capture_output=True, check=False).stdout.decode(errors="replace")
        raise AssertionError("\n".join(diff.splitlines()[:40]))


class Vendor:
    """The goldens of one vendor."""

    def __init__(self, name, program, datadir, folder):
        self.name, self.failed = name, 0
        self.reader = load_reader(name)
        path = HERE / "inventory" / f"{name}.txt"
        assert path.exists(), f"{path.relative_to(HERE)} is missing"
        own = path.read_text(encoding="utf-8")
        self.inventory = Inventory(COMMON + own)
        assert self.inventory.models, f"{path.relative_to(HERE)} has no device"
        self.provfs = Provfs(program, datadir_of(name, datadir, folder), folder)
        # In two: a value of the shared profile may be one that a vendor's syntax has not, where its template does not write it.
        self.provfs("apply", "-", stdin=COMMON)
        self.provfs("apply", "-", stdin=own)

    def check_accounts(self, mac, data):
        pairs = dict(self.reader.read(f"{mac}.cfg", data))
        for place, (line, account) in enumerate(sorted(self.inventory.lines[mac].items())):
            got = self.reader.account(self.inventory.models[mac], pairs, line, place)
            want = self.inventory.account(account)
            assert tuple(got) == want, f"line {line}: {got} is not {want}"

    def check_contacts(self, mac, data):
        got = self.reader.contacts(data)
        assert sorted(got) == self.inventory.contacts(mac), f"{got} is not {self.inventory.contacts(mac)}"

    def check_device(self, mac, update):
        """Yields a message for each file that fails."""
        expected, accounts = HERE / "expected" / self.name, getattr(self.reader, "ACCOUNTS", "{mac}.cfg").format(mac=mac)
        for name in [f"{mac}.cfg"] + list(getattr(self.reader, "COMMON", {}).get(mac, [])):
            try:
                data = self.provfs("render", mac, *([name] if name != f"{mac}.cfg" else []))
                compare(expected / name, data, update)
                if name == getattr(self.reader, "BOOK", "").format(mac=mac):
                    self.check_contacts(mac, data)
                    continue
                self.reader.read(name, data)
                if name == accounts:
                    self.check_accounts(mac, data)
            except FAULTS as e:
                yield f"{self.inventory.models[mac]} {name}: {e!r}"

    def check_nothing_else_expected(self):
        known = {f"{mac}.cfg" for mac in self.inventory.models} | {n for v in getattr(self.reader, "COMMON", {}).values() for n in v}
        folder = HERE / "expected" / self.name
        kept = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
        assert kept <= known, f"{self.name}: no device gives {sorted(kept - known)}"

    def check_keys_of_all_models(self):
        """Three states (design.md 5): a key that is set and then unset is still in the file."""
        where_set = re.compile(getattr(self.reader, "WHERE_SET", ""))
        models = self.provfs("list", "models", "-q", f"vendor={self.name}").decode().split()
        assert models, f"no models of {self.name}"
        macs = {(model, p): f"02{'ab' if p == 'full' else 'cd'}00{i:06x}" for i, model in enumerate(models) for p in ("full", "bare")}
        more = {"full": getattr(self.reader, "FULL", ""), "bare": ""}
        self.provfs("apply", "-", stdin="".join(f"add device {m} model={model} profile={p} {more[p]}\n" for (model, p), m in macs.items()))
        for model in models:
            keys = {p: {k for k, _ in self.reader.read(f"{macs[model, p]}.cfg", self.provfs("render", macs[model, p]))}
                    for p in ("full", "bare")}
            odd = [k for k in keys["full"] ^ keys["bare"] if not where_set.fullmatch(k)]
            assert not odd, f"{model}: only with or without settings: {sorted(odd)}"

    def check(self, update):
        for mac in self.inventory.models:
            yield from self.check_device(mac, update)
        for check in (self.check_nothing_else_expected, self.check_keys_of_all_models):
            try:
                check()
            except FAULTS as e:
                yield f"{self.name}: {e!r}"


def check_catalogue(datadir):
    """The shared inventory sets every key of the catalogue."""
    words = shlex.split("\n".join(x for x in COMMON.splitlines() if not x.startswith("#")))
    there = {re.sub(r"\.\d+\.", ".0.", w.partition("=")[0]) for w in words if "=" in w}
    keys = [s.get("key") for s in ET.parse(Path(datadir) / "schema/settings.xml").getroot()]
    missing = [k for k in keys if re.sub(r"\.[NM]\.", ".0.", k) not in there]
    assert not missing, f"inventory/common.txt does not set {missing}"


def vendors_of(datadir):
    names = {ET.parse(path).getroot().get("vendor") for path in (Path(datadir) / "templates").glob("*/*.xml")}
    assert names, f"no templates in {datadir}"
    return sorted(names)


def failures_of(name, options):
    try:
        with tempfile.TemporaryDirectory(prefix="provfs-golden-") as folder:
            return list(Vendor(name, os.path.abspath(options.provfs), options.datadir, folder).check(options.update))
    except FAULTS as e:
        return [f"{name}: {e!r}"]


def failures(options):
    try:
        check_catalogue(options.datadir)
    except AssertionError as e:
        yield str(e)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for messages in pool.map(lambda name: failures_of(name, options), options.only or vendors_of(options.datadir)):
            yield from messages


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", action="append", metavar="VENDOR")
    parser.add_argument("provfs")
    parser.add_argument("datadir", nargs="?", default=HERE.parents[1])
    failed = 0
    for message in failures(parser.parse_args()):
        print(f"FAILED {message[:4000]}".replace("\\n", "\n"))
        failed += 1
    print("all goldens passed" if not failed else f"{failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
