#!/usr/bin/env python3
"""Writes docs/keys.md: for each setting and vendor, the native keys that the shipped templates write it to; and the list of
vendors in docs/vendors.md.

usage: update_keys.py [--check] PROVFS (the program, built)

It asks `provfs explain --native` for a device of each model that sets everything (tests/golden/inventory/common.txt), so the
tables say what the files have. --check writes nothing and fails where the documents are not what it would write."""
import argparse
import collections
import os
import re
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests/golden"))
import run as golden  # noqa: E402 pylint: disable=wrong-import-position

PAGE = ROOT / "docs" / "keys.md"
LIST = ROOT / "docs" / "vendors.md"
LIST_MARK = "<!-- made by tools/update_keys.py -->\n"
VENDORS_A_TABLE = 5
PLACES_SHOWN = 6
INTRODUCTION = """# Settings and native keys

Which native keys each vendor's files have for a setting. `N` stands for a number: of a line, key, codec, …; a value may be put
together from several settings, and a setting may be written to different keys on different models. "no equivalent": no file of that
vendor takes it. Made by `tools/update_keys.py` from the files themselves; for one phone, `provfs explain MAC` says the same.
"""


def models(provfs):
    """(vendor, model, lines)"""
    rows = provfs("list", "models").decode().splitlines()
    head = rows[0].split()
    at = {name: rows[0].index(name) for name in head}
    order = sorted(at, key=at.get)
    for row in rows[1:]:
        cells = {n: row[at[n]:at[order[i + 1]] if i + 1 < len(order) else None].strip() for i, n in enumerate(order)}
        yield cells["vendor"], cells[order[0]], int(cells["lines"])


def native_keys(text):
    """(setting, native key) of each pair."""
    for line in text.splitlines():
        if not line.startswith("  "):
            continue
        pair, _, origin = line[2:].rpartition("   from ")
        native = pair.split(" = ", 1)[0]
        for used in origin.split(", "):
            setting = used.split(" (", 1)[0]
            if setting not in ("template", "override"):
                yield setting, native


def with_n(setting):
    """key.3.type as key.N.type"""
    setting = re.sub(r"^module\.\d+\.key\.\d+\.", "module.M.key.N.", setting)
    return re.sub(r"\.\d+\.", ".N.", setting)


def add_device(vendor, model, lines, mac):
    """The commands for a device of the model that sets everything."""
    full = getattr(golden.load_reader(vendor), "FULL", "")
    assigned = " ".join(f"{n}={a}" for n, a in list(enumerate(("1005@acme", "1006@acme"), 1))[:lines])
    return f"add device {mac} model={model} profile=full customer=acme {full}\n" + (f"assign {mac} {assigned}\n" if assigned else "")


def collect(program):
    """{vendor: {setting: {native keys}}} and {vendor: models}, with an inventory and templates of each vendor's alone."""
    got, counts = collections.defaultdict(lambda: collections.defaultdict(set)), collections.Counter()
    for vendor in golden.vendors_of(ROOT):
        with tempfile.TemporaryDirectory(prefix="provfs-keys-") as folder:
            provfs = golden.Provfs(program, golden.datadir_of(vendor, ROOT, folder), folder)
            devices = {f"0200{i:08x}": m for i, m in enumerate(models(provfs))}
            provfs("apply", "-", stdin=golden.COMMON)
            provfs("apply", "-", stdin="".join(add_device(*m, mac) for mac, m in devices.items()))
            counts[vendor] = len(devices)
            for mac in devices:
                for setting, native in native_keys(provfs("explain", mac, "--native").decode()):
                    got[vendor][with_n(setting)].add(native)
    return got, counts


def numbered(natives):
    """Native keys that differ in numbers alone as one, with N; fewest differences first."""
    groups = collections.defaultdict(list)
    for native in natives:
        groups[re.sub(r"\d+", "N", native)].append(native)
    shown = sorted(pattern if len(members) > 1 else members[0] for pattern, members in groups.items())
    return shown[:PLACES_SHOWN] + (["…"] if len(shown) > PLACES_SHOWN else [])


def cell(natives):
    if not natives:
        return "no equivalent"
    return ", ".join("…" if n == "…" else f"`{n}`" for n in numbered(natives)).replace("|", "\\|")


def sections():
    """The catalogue's sections: title and keys."""
    root = ET.parse(ROOT / "schema/settings.xml", ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))).getroot()
    found = []
    for node in root:
        if node.tag is ET.Comment:
            found.append((node.text.strip().split(";")[0], []))
        else:
            found[-1][1].append(node.get("key"))
    return [(title, keys) for title, keys in found if keys]


def page(got):
    vendors = sorted(got)
    out = [INTRODUCTION]
    for title, keys in sections():
        out.append(f"## {title}\n")
        for i in range(0, len(vendors), VENDORS_A_TABLE):
            some = vendors[i:i + VENDORS_A_TABLE]
            out.append(f"| setting | {' | '.join(some)} |\n|---|{'---|' * len(some)}")
            out += [f"| `{key}` | {' | '.join(cell(got[v].get(key)) for v in some)} |" for key in keys]
            out.append("")
    return "\n".join(out)


def vendor_list(counts):
    """docs/vendors.md with its list of vendors as they are."""
    titles = {}
    for path in sorted((ROOT / "templates").glob("*/*.xml")):
        root = ET.parse(path).getroot()
        titles.setdefault(root.get("vendor"), root.get("title"))
    rows = [f"| [{v}](vendors/{v}.md) | {titles[v]} | {counts[v]} |" for v in sorted(counts)]
    head = LIST.read_text(encoding="utf-8").split(LIST_MARK)[0]
    return head + LIST_MARK + "| vendor | | models |\n|---|---|---|\n" + "\n".join(rows) + f"\n| {len(rows)} | | {sum(counts.values())} |\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("provfs")
    args = parser.parse_args()
    got, counts = collect(os.path.abspath(args.provfs))
    texts = {PAGE: page(got), LIST: vendor_list(counts)}
    for path, text in texts.items():
        if not args.check:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path.relative_to(ROOT)} is not what the templates say: run tools/update_keys.py")


if __name__ == "__main__":
    main()
