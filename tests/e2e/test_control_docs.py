"""What the manual says of the control tree: README's "From the shell", the table of permissions, the example scripts."""
import os
import re
import shutil
import subprocess

import pytest

import control
import lib
import test_control_permissions as permissions
from control import MAC, SECRET

EXAMPLES = lib.ROOT / "docs" / "examples"


def from_the_shell():
    """The commands of README's section, from the `cd` on."""
    section = (lib.ROOT / "README.md").read_text(encoding="utf-8").split("## From the shell\n")[1].split("\n## ")[0]
    lines = [x[4:] for x in section.splitlines() if x.startswith("    ")]
    return "\n".join(lines[next(i for i, x in enumerate(lines) if x.startswith("cd ")):])


def test_readme_from_the_shell(tree_of):
    tree = tree_of(control.admin_options("all"))
    tree.inv.provfs("delete", "device", "001565aabbdd", "--yes")
    script = from_the_shell().replace("/srv/provfs-admin/control", str(tree.path))
    script = script.replace("kill $!", "sleep 1; kill $!").replace("cat events &", "cat events & sleep 1")
    r = tree.sh("set -e\n" + script)
    assert r.returncode == 0 and r.stderr == "", r.stderr
    assert "sip3.example.net" in r.stdout and '"key":"sip.port"' in r.stdout and "\nok gen " in "\n" + r.stdout
    assert b"sip3.example.net" in tree.mount.read("001565aabbdd.cfg")


def test_the_table_of_permissions():
    """docs/control.md says what test_control_permissions.py walks."""
    text = (lib.ROOT / "docs/control.md").read_text(encoding="utf-8")
    rows = {m[1]: m[2].split(" | ") for m in re.finditer(r"^\| ([^|]+) \| `[^`]+` \| ((?:yes|–)(?: \| (?:yes|–)){8}) \|$", text, re.M)}
    assert set(rows) == set(permissions.KINDS)
    for user in permissions.TABLE:
        for kind, row in rows.items():
            for operation, said, got in zip(permissions.OPERATIONS, row, permissions.TABLE[user][kind].split()):
                may = got == "ok" or (operation in ("create", "rename") and got in ("EINVAL", "ENOENT"))
                assert (said == "yes") == may, (user, kind, operation, said, got)


# ---- the scripts


def run(tree, name, *args, status=0):
    r = subprocess.run([EXAMPLES / name, *map(str, args)], capture_output=True, text=True, timeout=60, check=False, env=tree.inv.env)
    assert r.returncode == status, r.stderr
    return r.stdout + r.stderr


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="no shellcheck")
def test_the_scripts_are_clean():
    assert subprocess.run(["shellcheck", *EXAMPLES.iterdir()], capture_output=True, text=True, check=False).stdout == ""


@pytest.mark.parametrize("name", sorted(os.listdir(EXAMPLES)))
def test_a_script_says_how_it_is_used(tree, name):
    assert f"usage: {name}" in run(tree, name, status=2)


def test_set_time_zone(tree):
    tree.done(f"set device {MAC} time.zone=Europe/Paris\nset profile acme-desk time.zone=Asia/Tokyo\n")
    gen = tree.inv.gen()
    assert run(tree, "set-time-zone", "acme", "America/New_York", tree.path).startswith("ok gen ")
    assert tree.read("customers/acme/settings/time.zone") == "America/New_York\n"
    assert tree.ls(f"devices/{MAC}/settings") == tree.ls("profiles/acme-desk/settings") == []
    assert "America/New_York" in tree.inv.provfs("explain", MAC, "time.zone") and tree.inv.gen() > gen


def test_set_time_zone_refused(tree):
    before = tree.inv.dump()
    assert "refused" in run(tree, "set-time-zone", "acme", "Europe/Nowhere", tree.path, status=1)
    assert "no customer" in run(tree, "set-time-zone", "nobody", "Europe/Paris", tree.path, status=1)
    assert tree.inv.dump() == before


@pytest.mark.skipif(not shutil.which("git"), reason="no git")
def test_nightly_export(tree, tmp_path):
    def n_commits():
        return int(subprocess.run(["git", "-C", tmp_path / "history", "rev-list", "--count", "HEAD"], capture_output=True, check=True).stdout)

    run(tree, "nightly-export", tmp_path / "history", tree.path)
    run(tree, "nightly-export", tmp_path / "history", tree.path)
    assert n_commits() == 1
    tree.put("profiles/office/settings/sip.server", "sip8.example.net")
    run(tree, "nightly-export", tmp_path / "history", tree.path)
    assert n_commits() == 2
    text = (tmp_path / "history/inventory.xml").read_text()
    assert "sip8.example.net" in text and SECRET not in text and text == tree.read("export.xml")


def test_replace_phone(tree):
    assert "001565aabb00.cfg" in run(tree, "replace-phone", MAC, "00:15:65:AA:BB:00", "came on Monday", tree.path)
    assert MAC not in tree.ls("devices") and tree.read("devices/001565aabb00/lines/1") == "1001@acme\n"
    assert tree.read("devices/001565aabb00/note") == "came on Monday\n"


def test_replace_phone_never_replaces(tree):
    before = tree.inv.dump()
    assert "refused" in run(tree, "replace-phone", MAC, "001565aabbdd", "x", tree.path, status=1)
    assert tree.inv.dump() == before
