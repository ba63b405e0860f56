"""Who may: {root, administrator, server's user, nobody} x every kind of path x every operation. docs/control.md has this table."""
import os

import pytest

import control
from control import ADMIN_GID, ADMIN_UID, HELPDESK_GID, MAC, NOBODY_UID, SECRET, SERVE_GID, SERVER_UID, as_other

DEVICE = f"devices/{MAC}"
USERS = {"root": (0, 0, []), "admin": (ADMIN_UID, ADMIN_UID, [ADMIN_GID]), "server": (SERVER_UID, SERVER_UID, [SERVE_GID]),
         "nobody": (NOBODY_UID, NOBODY_UID, [])}

# Every kind of path, and a name that could be made in it (folders) or what may be written to it (files).
KINDS = {
    "control": ("", "x"), "ctl": ("ctl", "\n"), "import": ("import", ""), "report": ("import.report", "x"), "export.csv": ("export.csv", "x"),
    "export.xml": ("export.xml", "x"), "log": ("log", "x"), "errors": ("errors", "x"),
    "unknown": ("unknown", "x"), "status": ("status", "x"), "objects": ("devices", "x"), "object": (DEVICE, "x"),
    "field": (f"{DEVICE}/note", "\n"), "lines": (f"{DEVICE}/lines", "x"), "line": (f"{DEVICE}/lines/1", "1001@acme\n"),
    "settings": ("profiles/office/settings", "sip.nonsense"), "setting": ("profiles/office/settings/sip.server", "sip1.example.net\n"),
    "secret": ("accounts/1001@acme/settings/sip.password", SECRET + "\n"),
    "files": (f"{DEVICE}/files", "x"), "file": (f"{DEVICE}/files/{MAC}.cfg", "x"), "explain": (f"{DEVICE}/explain", "x"),
    "list": ("profiles/office/devices", "x"), "models": ("models", "x"), "model": ("models/yealink-t46s", "x"),
    "model's file": ("models/yealink-t46s/vendor", "x"), "model's settings": ("models/yealink-t46s/settings", "sip.nonsense"),
    "site": ("site", "x"), "site's settings": ("site/settings", "sip.nonsense"), "site's setting": ("site/settings/phone.admin_password",
                                                                                                  SECRET + "\n"),
}
OPERATIONS = ["stat", "list", "read", "write", "create", "rename", "chmod", "setxattr", "unlink"]

# What each answers; the columns are OPERATIONS. create makes a name that has no meaning there, rename gives one that no object may have: where
# these say EPERM, EINVAL or ENOENT, the tree itself was asked and refused; EACCES is the kernel's.
TABLE = {
    "admin": {
        "control": "ok ok EISDIR EISDIR EACCES EACCES EPERM EACCES EACCES",
        "ctl": "ok ENOTDIR ok ok ENOTDIR EACCES EPERM ENOTSUP EACCES",
        "import": "ok ENOTDIR EACCES ok ENOTDIR EACCES EPERM ENOTSUP EACCES",
        "report": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "export.csv": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "export.xml": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "log": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "errors": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "unknown": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "status": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "objects": "ok ok EISDIR EISDIR EINVAL EACCES EPERM ENOTSUP EACCES",
        "object": "ok ok EISDIR EISDIR EPERM EINVAL EPERM ENOTSUP EISDIR",
        "field": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "lines": "ok ok EISDIR EISDIR EINVAL EPERM EPERM ENOTSUP EISDIR",
        "line": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "settings": "ok ok EISDIR EISDIR ENOENT EPERM EPERM ENOTSUP EISDIR",
        "setting": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "secret": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "files": "ok ok EISDIR EISDIR EACCES EPERM EPERM EACCES EISDIR",
        "file": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "explain": "ok ENOTDIR ok EACCES ENOTDIR EPERM EPERM EACCES EPERM",
        "list": "ok ENOTDIR ok EACCES ENOTDIR EPERM EPERM EACCES EPERM",
        "models": "ok ok EISDIR EISDIR EACCES EACCES EPERM EACCES EACCES",
        "model": "ok ok EISDIR EISDIR EACCES EACCES EPERM EACCES EACCES",
        "model's file": "ok ENOTDIR ok EACCES ENOTDIR EACCES EPERM EACCES EACCES",
        "model's settings": "ok ok EISDIR EISDIR ENOENT EACCES EPERM ENOTSUP EACCES",
        "site": "ok ok EISDIR EISDIR EACCES EACCES EPERM EACCES EACCES",
        "site's settings": "ok ok EISDIR EISDIR ENOENT EACCES EPERM ENOTSUP EACCES",
        "site's setting": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
    },
    "root": {
        "control": "ok ok EISDIR EISDIR EPERM EROFS EPERM ENOTSUP EISDIR",
        "ctl": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "import": "ok ENOTDIR EINVAL ok ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "report": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "export.csv": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "export.xml": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "log": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "errors": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "unknown": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "status": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "objects": "ok ok EISDIR EISDIR EINVAL EPERM EPERM ENOTSUP EISDIR",
        "object": "ok ok EISDIR EISDIR EPERM EINVAL EPERM ENOTSUP EISDIR",
        "field": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "lines": "ok ok EISDIR EISDIR EINVAL EPERM EPERM ENOTSUP EISDIR",
        "line": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "settings": "ok ok EISDIR EISDIR ENOENT EPERM EPERM ENOTSUP EISDIR",
        "setting": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "secret": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
        "files": "ok ok EISDIR EISDIR EPERM EPERM EPERM ENOTSUP EISDIR",
        "file": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "explain": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "list": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "models": "ok ok EISDIR EISDIR EPERM EPERM EPERM ENOTSUP EISDIR",
        "model": "ok ok EISDIR EISDIR EPERM EPERM EPERM ENOTSUP EISDIR",
        "model's file": "ok ENOTDIR ok EPERM ENOTDIR EPERM EPERM ENOTSUP EPERM",
        "model's settings": "ok ok EISDIR EISDIR ENOENT EPERM EPERM ENOTSUP EISDIR",
        "site": "ok ok EISDIR EISDIR EPERM EPERM EPERM ENOTSUP EISDIR",
        "site's settings": "ok ok EISDIR EISDIR ENOENT EPERM EPERM ENOTSUP EISDIR",
        "site's setting": "ok ENOTDIR ok ok ENOTDIR EPERM EPERM ENOTSUP ok",
    },
}


def operations_of(tree, kind):
    """The operations on one path, as as_other() takes them."""
    path, text = KINDS[kind]
    full = str(tree.path / path) if path else str(tree.path)
    is_folder = os.path.isdir(full)
    written = ["open_write", full] if is_folder else ["write", full, text]
    created = ["create", f"{full}/{text}" if is_folder else f"{full}/x", ""]
    return [["stat", full], ["list", full], ["read", full], written, created, ["rename", full, f"{full} 2"], ["chmod", full],
            ["setxattr", full], ["unlink", full]]


def answers(tree, user, kinds=KINDS):
    """What every operation answers to a user: {kind: [answer of each operation]}."""
    todo = [x for kind in kinds for x in operations_of(tree, kind)]
    got = as_other(*USERS[user], todo)
    return {kind: got[i * len(OPERATIONS):(i + 1) * len(OPERATIONS)] for i, kind in enumerate(kinds)}


def test_the_names_of_the_table(tree):
    """Nothing in the tree is of a kind that the table has not."""
    shapes = {(os.stat(tree / path).st_mode, path.split("/")[0] if path.count("/") == 0 else "") for path, _ in tree.walk()}
    assert {oct(mode) for mode, _ in shapes} == {"0o40750", "0o40770", "0o100660", "0o100440", "0o100220"}
    for path, _ in tree.walk():
        st = os.stat(tree / path)
        assert (st.st_uid, st.st_gid) == (0, ADMIN_GID), path


@pytest.mark.parametrize("user", ["root", "admin"])
@pytest.mark.parametrize("view", ["control", "all"])
def test_who_may_do_what(tree_of, user, view):
    tree = tree_of(control.admin_options(view))
    got = answers(tree, user)
    assert {kind: " ".join(row) for kind, row in got.items()} == TABLE[user]


@pytest.mark.parametrize("user", ["server", "nobody"])
@pytest.mark.parametrize("options", [control.admin_options(), control.admin_options("all"), control.admin_options(extra=",ro"),
                                     control.admin_options(extra=",secrets=show")])
def test_others_may_nothing(tree_of, user, options):
    tree = tree_of(options)
    got = answers(tree, user)
    assert [i for i, x in enumerate(got.pop("control")) if x == "ok"] == [0]  # stat of control/ itself
    assert {x for row in got.values() for x in row} == {"EACCES"}
    assert as_other(*USERS[user], [["list", str(tree.mount.path)], ["mkdir", str(tree.mount.path / "x")]])[0] == "EACCES"


@pytest.mark.parametrize("user", ["root", "helpdesk"])
def test_helpdesk_s_mount_reads_only(tree_of, monkeypatch, user):
    monkeypatch.setitem(USERS, "helpdesk", (ADMIN_UID, ADMIN_UID, [HELPDESK_GID]))
    tree = tree_of(f"ro,allow_other,view=control,admin_gid={HELPDESK_GID}")
    before = tree.inv.dump()
    for kind, row in answers(tree, user).items():
        expected = TABLE["root" if user == "root" else "admin"][kind].split()
        assert row[:3] == expected[:3], kind
        assert set(row[3:]) <= {"EROFS", "EISDIR", "ENOTDIR"}, kind
    assert tree.inv.dump() == before and tree.read(f"{DEVICE}/model") == "yealink-t46s\n"
    assert as_other(*USERS["admin"], [["list", str(tree.path)], ["read", str(tree / "log")]]) == ["EACCES", "EACCES"]


PHONE = f"{MAC}.cfg"


@pytest.mark.parametrize("options", ["ro,allow_other,view=phones", "allow_other,view=all,admin_gid=61001"])
def test_the_phones_files(tree_of, options):
    """The mount's parent folder is 0750 for the servers' group; who is in may read what it has a name for, and no more."""
    tree = tree_of(options)
    os.chown(tree.inv.parent, 0, SERVE_GID)
    os.chmod(tree.inv.parent, 0o750)
    root, file = str(tree.mount.path), str(tree.mount.path / PHONE)
    todo = [["stat", file], ["read", file], ["list", root], ["write", file, "x"], ["create", f"{root}/x", ""], ["unlink", file],
            ["rename", file, f"{root}/y"], ["chmod", file], ["mkdir", f"{root}/z"]]
    assert as_other(*USERS["nobody"], todo) == ["EACCES"] * 9 == as_other(*USERS["admin"], todo)
    server = as_other(*USERS["server"], todo)
    assert server[:3] == ["ok", "ok", "EACCES"] and set(server[3:]) <= {"EACCES", "EROFS", "EPERM"}
    rooted = as_other(*USERS["root"], todo)
    assert rooted[:3] == ["ok", "ok", "ok"] and set(rooted[3:]) == {"EROFS"}
    os.chmod(tree.inv.parent, 0o755)


def test_without_allow_other_only_root_sees_it(tree_of):
    tree = tree_of(f"view=control,admin_gid={ADMIN_GID}")
    assert set(as_other(*USERS["admin"], [["stat", str(tree.path)], ["list", str(tree.path)]])) == {"EACCES"}


def test_the_group_by_name(tree_of):
    tree = tree_of("allow_other,view=control,admin_gid=nogroup")
    assert os.stat(tree / "ctl").st_gid == 65534


def test_who_it_was(tree):
    """The audit and the outcome are of who wrote, not of the daemon."""
    as_other(*USERS["admin"], [["write", str(tree / "customers/acme/note"), "by an administrator\n"]])
    assert f"  {ADMIN_UID}  customer acme" in tree.read("log").splitlines()[-1]
    tree.shell("echo by sudo > customers/acme/note", SUDO_UID="61099")
    assert "  61099  customer acme" in tree.read("log").splitlines()[-1]
