"""The inventory as folders that a shell edits: what each tool's way of writing does, or is refused with."""
import os
import shutil
import subprocess

import pytest

import control
from control import MAC, MASK, SECRET, answer, name_of

DEVICE = f"devices/{MAC}"
NOTE = f"{DEVICE}/note"
SERVER = "profiles/office/settings/sip.server"
FILES = {
    "devices": ["customer", "enabled", "explain", "files", "inventory_id", "lines", "model", "note", "profile", "settings"],
    "profiles": ["customer", "devices", "note", "parent", "settings"],
    "accounts": ["customer", "lines", "note", "settings"],
    "customers": ["enabled", "note", "settings"],
}


# ---- what is there


@pytest.mark.parametrize("kind", FILES)
def test_every_object_has_its_files(tree, kind):
    for name in tree.ls(kind):
        assert tree.ls(f"{kind}/{name}") == FILES[kind]


def test_what_the_files_say(tree):
    values = {"model": "yealink-t46s", "profile": "office", "customer": "acme", "enabled": "yes", "inventory_id": "A1", "note": ""}
    for name, value in values.items():
        assert tree.read(f"{DEVICE}/{name}") == (value + "\n" if value else "")
    assert tree.ls(f"{DEVICE}/lines") == ["1"] and tree.read(f"{DEVICE}/lines/1") == "1001@acme\n"
    assert tree.ls(f"{DEVICE}/files") == [f"{MAC}-phonebook.xml", f"{MAC}.cfg"]
    assert tree.read("profiles/acme-desk/parent") == "office\n" and tree.read("profiles/acme-desk/customer") == "acme\n"
    assert tree.read("profiles/office/devices") == f"{MAC}\n"
    assert tree.read("accounts/1001@acme/lines") == f"{MAC}/1\n"
    assert tree.ls("accounts/1001@acme/settings") == ["line.display_name", "sip.password"]
    assert tree.read("customers/acme/settings/voicemail.number") == "500\n"
    assert tree.ls("site/settings") == ["phone.admin_password"]


def test_a_model_s_files(tree):
    folder = "models/yealink-t46s"
    assert tree.ls(folder) == ["files", "keys", "lines", "settings", "template", "title", "vendor"]
    assert tree.read(f"{folder}/vendor") == "yealink\n" and tree.read(f"{folder}/lines") == "16\n"
    assert "{mac}.cfg" in tree.read(f"{folder}/files") and "yealink.xml:" in tree.read(f"{folder}/template")
    tree.put(f"{folder}/settings/sip.port", "5070\n")
    assert tree.ls(f"{folder}/settings") == ["sip.port"]
    os.unlink(tree / folder / "settings/sip.port")
    assert tree.ls(f"{folder}/settings") == []


def test_explain_and_files_are_what_the_commands_print(tree):
    assert tree.read(f"{DEVICE}/explain") == tree.inv.provfs("explain", MAC)
    assert tree.read(f"{DEVICE}/files/{MAC}.cfg") == tree.inv.render(MAC).decode().replace(SECRET, MASK)


def test_a_mac_in_any_spelling(tree):
    for spelling in ("00:15:65:aa:bb:cc", "00-15-65-AA-BB-CC", "001565AABBCC", "0015.65aa.bbcc"):
        assert tree.read(f"devices/{spelling}/inventory_id") == "A1\n"


def test_sizes_are_true(tree):
    """cp, wc and rsync go by st_size; only what is costly to make has none and is read to its end."""
    sizeless = {"explain", "log", "export.csv", "export.xml", "ctl", "import", "import.report", "errors", "unknown", "status", "events"}
    for path, is_folder in tree.walk():
        if not is_folder and os.path.basename(path) not in sizeless and not path.startswith("models/"):
            assert os.stat(tree / path).st_size == len((tree / path).read_bytes()), path


# ---- writing values: a command, what it ends with, what is there afterwards

HOST = "sip9.example.net"
WAYS = [
    # what, command, "" or the error's text, the file, its content afterwards
    ("echo", f"echo {HOST} > {SERVER}", "", SERVER, HOST),
    ("printf without newline", f"printf {HOST} > {SERVER}", "", SERVER, HOST),
    ("two newlines", f"printf '{HOST}\\n\\n' > {SERVER}", "Invalid argument", None, None),
    ("tee", f"echo {HOST} | tee {SERVER}", "", SERVER, HOST),
    ("cat", f"echo {HOST} > $T; cat $T > {SERVER}", "", SERVER, HOST),
    ("cp", f"echo {HOST} > $T; cp $T {SERVER}", "", SERVER, HOST),
    ("cp without newline", f"printf {HOST} > $T; cp $T {SERVER}", "", SERVER, HOST),
    ("cp -p", f"echo {HOST} > $T; cp -p $T {SERVER}", "Operation not permitted", SERVER, HOST),
    ("cp in the tree", "cp profiles/office/settings/time.zone customers/acme/settings/", "", "customers/acme/settings/time.zone",
     "Europe/Vienna"),
    ("cp --remove-destination", f"echo {HOST} > $T; cp --remove-destination $T {SERVER}", "", SERVER, HOST),
    ("install", f"echo {HOST} > $T; install $T {SERVER}", "Operation not permitted", SERVER, HOST),
    ("dd", f"echo {HOST} | dd of={SERVER} status=none", "", SERVER, HOST),
    ("dd conv=notrunc", f"echo {HOST} | dd of={SERVER} conv=notrunc status=none", "", SERVER, HOST),
    ("dd in pieces", f"echo {HOST} | dd of={SERVER} bs=4 status=none", "Invalid argument", None, None),
    ("append", f"echo more >> {NOTE}", "", NOTE, "more"),
    ("append to a value", f"echo more >> {SERVER}", "Invalid argument", SERVER, "sip1.example.net"),
    ("rsync --inplace", f"echo {HOST} > $T; rsync --inplace $T {SERVER}", "", SERVER, HOST),
    ("rsync --inplace, shorter", f"echo s.org > $T; rsync --inplace $T {SERVER}", "", SERVER, "s.org"),
    ("rsync --inplace, no newline", f"printf {HOST} > $T; rsync --inplace $T {SERVER}", "", SERVER, HOST),
    ("rsync", f"echo {HOST} > $T; rsync $T {NOTE}", "Operation not permitted", NOTE, None),
    ("ed", f"printf '1s/sip1/sip9/\\nw\\nq\\n' | ed -s {SERVER}", "", SERVER, HOST),
    ("vim", f"vim -u NONE -es -c '%s/sip1/sip9/' -c wq {SERVER}", "", SERVER, HOST),
    ("sed -i", f"echo a > {NOTE}; sed -i s/a/b/ {NOTE}", "Operation not permitted", NOTE, "a"),
    ("sed -i of a setting", f"sed -i s/sip1/sip9/ {SERVER}", "No such file or directory", SERVER, "sip1.example.net"),
    ("perl-like r+", f"python3 -c \"f=open('{SERVER}','r+');f.write('{HOST}\\n');f.truncate();f.close()\"", "", SERVER, HOST),
    ("python", f"python3 -c \"open('{SERVER}','w').write('{HOST}\\n')\"", "", SERVER, HOST),
    ("python refused", f"python3 -c \"f=open('{SERVER}','w');f.write('a b\\n');f.close()\"", "Invalid argument", SERVER, "sip1.example.net"),
    ("mv a file in", f"echo {HOST} > $T; mv $T {SERVER}", "", SERVER, HOST),
    ("sponge-like", f"grep -v x {SERVER} | tee {SERVER}.new", "No such file or directory", SERVER, "sip1.example.net"),
    ("truncate alone", f"truncate -s 0 {SERVER}", "", SERVER, "sip1.example.net"),
    ("truncate to a length", f"truncate -s 3 {SERVER}", "Invalid argument", SERVER, "sip1.example.net"),
    ("opening alone", f": > {SERVER}", "", SERVER, "sip1.example.net"),
    ("touch", f"touch {SERVER}", "", SERVER, "sip1.example.net"),
    ("touch makes nothing", f"touch {DEVICE}/settings/sip.port; ! ls {DEVICE}/settings/sip.port", "", None, None),
    ("an empty line clears", f"echo x > {NOTE}; echo > {NOTE}", "", NOTE, None),
    ("a value unlike its type", "echo many > profiles/office/settings/sip.port", "Invalid argument", None, None),
    ("a setting of another scope", f"echo 1 > {DEVICE}/settings/sip.password", "Invalid argument", None, None),
    ("an unknown setting", f"echo 1 > {DEVICE}/settings/sip.nonsense", "No such file or directory", None, None),
    ("an unknown vendor", f"echo 1 > {DEVICE}/settings/nobody:key", "No such file or directory", None, None),
    ("an unknown profile", f"echo nobody > {DEVICE}/profile", "No such file or directory", f"{DEVICE}/profile", "office"),
    ("an unknown model", f"echo phone-9 > {DEVICE}/model", "No such file or directory", f"{DEVICE}/model", "yealink-t46s"),
    ("neither yes nor no", f"echo maybe > {DEVICE}/enabled", "Invalid argument", f"{DEVICE}/enabled", "yes"),
    ("a line", f"echo 1002@acme > {DEVICE}/lines/2", "", f"{DEVICE}/lines/2", "1002@acme"),
    ("a line's other account", f"echo 1002@acme > {DEVICE}/lines/1", "", f"{DEVICE}/lines/1", "1002@acme"),
    ("an unknown account", f"echo nobody > {DEVICE}/lines/2", "No such file or directory", None, None),
    ("line 0", f"echo 1002@acme > {DEVICE}/lines/0", "Invalid argument", None, None),
    ("line 17 of 16", f"echo 1002@acme > {DEVICE}/lines/17", "Invalid argument", None, None),
    ("no line", f"echo 1002@acme > {DEVICE}/lines/one", "Invalid argument", None, None),
    ("read only", f"echo x > {DEVICE}/explain", "Operation not permitted", None, None),
    ("chmod", f"chmod 666 {NOTE}", "Operation not permitted", None, None),
    ("symlink", f"ln -s x {DEVICE}/x", "Operation not permitted", None, None),
    ("hard link", f"ln {NOTE} {DEVICE}/x", "Operation not permitted", None, None),
    ("fifo", f"mkfifo {DEVICE}/x", "Operation not permitted", None, None),
    ("a file of no meaning", f"echo x > {DEVICE}/x", "Operation not permitted", None, None),
    ("a file among the objects", "echo x > profiles/x", "Operation not permitted", None, None),
]


@pytest.mark.parametrize("command, error, path, content", [w[1:] for w in WAYS], ids=[w[0] for w in WAYS])
def test_a_way_of_writing(tree, tmp_path, command, error, path, content):
    for tool in ("rsync", "ed", "vim"):
        if f"{tool} -" in command and not shutil.which(tool):
            pytest.skip(f"no {tool}")
    r = tree.sh(command, T=str(tmp_path / "new"))
    assert (r.returncode == 0) == (error == ""), (r.returncode, r.stderr)
    assert error in r.stderr
    if path:
        assert tree.read(path) == (content + "\n" if content else "")


def test_every_refusal_has_its_sentence(tree):
    for name, value, word in ((f"{DEVICE}/model", "phone-9", "no such model"), (SERVER, "a b", "sip.server"),
                              (f"{DEVICE}/lines/17", "1002@acme", "has 16 lines")):
        assert tree.write(name, value + "\n") != "ok"
        assert tree.outcome().startswith("refused: ") and word in tree.outcome()
    tree.put(SERVER, HOST)
    assert tree.outcome().startswith("ok")


def test_one_handle_reads_and_writes(tree):
    fd = os.open(tree / SERVER, os.O_RDWR)
    try:
        assert os.pread(fd, 100, 0) == b"sip1.example.net\n"
        assert os.pwrite(fd, b"sip2.example.net\n", 0) == 17
        assert os.pread(fd, 100, 0) == b"sip2.example.net\n"
        with pytest.raises(OSError) as e:
            os.pwrite(fd, b"x", 4)
        assert name_of(e.value) == "EINVAL"
        with pytest.raises(OSError) as e:
            os.pwrite(fd, b"again\n", 0)
        assert name_of(e.value) == "EINVAL"
    finally:
        os.close(fd)


def test_a_reader_sees_one_value(tree):
    """What an open file yields is what it was at the first read."""
    with open(tree / SERVER, encoding="ascii") as f:
        assert f.read(4) == "sip1"
        tree.put(SERVER, HOST)
        assert f.read() == ".example.net\n"


def test_rm(tree):
    os.unlink(tree / SERVER)
    assert tree.ls("profiles/office/settings") == ["time.zone"]
    os.unlink(tree / DEVICE / "lines/1")
    assert tree.ls(f"{DEVICE}/lines") == []
    os.unlink(tree / DEVICE / "inventory_id")
    assert tree.read(f"{DEVICE}/inventory_id") == "" and "inventory_id" in tree.ls(DEVICE)
    assert answer(os.unlink, tree / SERVER) == "ENOENT"
    assert answer(os.unlink, tree / DEVICE / "explain") == "EPERM"
    assert answer(os.unlink, tree / DEVICE) == "EISDIR"
    assert answer(os.rmdir, tree / DEVICE / "note") == "ENOTDIR"


# ---- reading with the usual tools


def test_ls_find_grep_cp_tar(tree, tmp_path):
    assert tree.shell("grep -rl sip1.example.net profiles").strip() == SERVER
    assert f"./{DEVICE}/lines/1" in tree.shell("find . -path '*/lines/*' -type f").split()
    assert f"total" in tree.shell("ls -lR devices")
    tree.shell(f"cp -r devices {tmp_path}/")
    assert (tmp_path / DEVICE / "model").read_text() == "yealink-t46s\n"
    assert (tmp_path / DEVICE / "explain").read_text() == tree.inv.provfs("explain", MAC)
    tree.shell(f"tar -cf - profiles | tar -xf - -C {tmp_path}")
    assert (tmp_path / SERVER).read_text() == "sip1.example.net\n"
    assert tree.shell(f"diff -r {tmp_path}/profiles profiles") == ""


# ---- objects


@pytest.mark.parametrize("path, expected", [
    ("devices/00:15:65:AA:00:01", "ok"), ("devices/001565aa0002", "ok"), (DEVICE, "EEXIST"), ("devices/00-15-65-aa-bb-cc", "EEXIST"),
    ("devices/zz", "EINVAL"), ("devices/000000000000", "EINVAL"), ("devices/ffffffffffff", "EINVAL"), ("devices/01005e000001", "EINVAL"),
    ("profiles/lobby", "ok"), ("profiles/-x", "ok"), ("profiles/--recursive", "ok"), ("profiles/office", "EEXIST"),
    ("profiles/a b", "EINVAL"), ("profiles/a\nb", "EINVAL"), ("profiles/a\x7fb", "EINVAL"), ("profiles/\xfc", "EINVAL"),
    ("profiles/" + "x" * 64, "ok"), ("profiles/" + "x" * 65, "EINVAL"), ("profiles/" + "x" * 255, "EINVAL"),
    ("profiles/" + "x" * 256, "ENAMETOOLONG"), ("accounts/1003@acme", "ok"), ("customers/globex", "ok"),
    ("models/phone-9", "EPERM"), ("site/x", "EPERM"), ("x", "EPERM"), (f"{DEVICE}/x", "EPERM"), (f"{DEVICE}/lines/3", "EPERM"),
    (f"{DEVICE}/settings/x", "EPERM"), ("profiles/nobody/settings", "ENOENT"), ("profiles/office/..", "EEXIST"),
    ("profiles/.", "EEXIST"), (b"profiles/\xff\xfe", "EINVAL"),
])
def test_mkdir(tree, path, expected):
    full = os.path.join(os.fsencode(tree.path), os.fsencode(path))
    before = tree.inv.dump()
    assert answer(os.mkdir, full) == expected
    assert (tree.inv.dump() == before) == (expected != "ok")
    assert os.path.isdir(full) == (expected in ("ok", "EEXIST"))
    if expected == "ok":
        os.rmdir(full)
        assert not os.path.exists(full)


def test_a_device_with_only_a_mac(tree):
    os.mkdir(tree / "devices/00:15:65:aa:00:01")
    assert "001565aa0001" in tree.ls("devices") and tree.ls("devices/001565aa0001/files") == []
    tree.put("devices/001565aa0001/model", "yealink-t46s\n")
    assert tree.ls("devices/001565aa0001/files") == ["001565aa0001-phonebook.xml", "001565aa0001.cfg"]


@pytest.mark.parametrize("path", [DEVICE, "profiles/office", "accounts/1001@acme", "customers/acme"])
def test_rmdir_in_use(tree, path):
    before = tree.inv.dump()
    assert answer(os.rmdir, tree / path) == "ENOTEMPTY"
    assert tree.inv.dump() == before
    assert tree.outcome().startswith("refused: ") and "is in use" in tree.outcome() or "has" in tree.outcome()


@pytest.mark.parametrize("path, expected", [("devices/001565aabbdd", "ok"), ("accounts/1002@acme", "ok"), ("profiles/acme-desk", "ok"),
                                            ("profiles/nobody", "ENOENT"), ("models/yealink-t46s", "EPERM"), ("site", "EPERM"),
                                            (f"{DEVICE}/lines", "EPERM"), ("devices", "EPERM")])
def test_rmdir(tree, path, expected):
    assert answer(os.rmdir, tree / path) == expected
    assert os.path.exists(tree / path) == (expected == "EPERM")


def test_rm_r_is_no_delete(tree):
    """It would take a device's rows away one by one; `delete … --recursive` in ctl is one transaction."""
    assert tree.sh(f"rm -r {DEVICE}/lines {DEVICE}/settings").returncode != 0
    assert MAC in tree.ls("devices")
    tree.done(f"delete device {MAC} --recursive --yes\n")
    assert MAC not in tree.ls("devices")


@pytest.mark.parametrize("kind, old, new, follows, content", [
    ("accounts", "1001@acme", "1009@acme", f"{DEVICE}/lines/1", "1009@acme\n"),
    ("profiles", "office", "-office", f"{DEVICE}/profile", "-office\n"),
    ("customers", "acme", "acme-corp", "accounts/1001@acme/customer", "acme-corp\n"),
    ("devices", MAC, "00:15:65:aa:bb:ee", "devices/001565aabbee/lines/1", "1001@acme\n"),
])
def test_mv_keeps_what_hangs_on_it(tree, kind, old, new, follows, content):
    tree.shell(f"mv -- {kind}/{old} {kind}/{new}")
    assert tree.read(follows) == content and old not in tree.ls(kind)


@pytest.mark.parametrize("old, new, expected", [
    ("accounts/1001@acme", "accounts/1002@acme", "EEXIST"), ("profiles/office", "profiles/acme-desk", "EEXIST"),
    (DEVICE, "devices/001565aabbdd", "EEXIST"), (DEVICE, "devices/zz", "EINVAL"), ("profiles/office", "profiles/a b", "EINVAL"),
    ("profiles/office", "customers/office", "EPERM"), ("profiles/nobody", "profiles/somebody", "ENOENT"),
    (NOTE, f"{DEVICE}/note2", "EPERM"), (SERVER, "profiles/office/settings/sip.outbound_proxy", "EPERM"),
    ("models/yealink-t46s", "models/x", "EPERM"), ("ctl", "ctl2", "EPERM"), (f"{DEVICE}/lines/1", f"{DEVICE}/lines/2", "EPERM"),
])
def test_mv_refused(tree, old, new, expected):
    before = tree.inv.dump()
    assert answer(os.rename, tree / old, tree / new) == expected
    assert tree.inv.dump() == before


# ---- scheduled values, native keys


def test_scheduled_values(tree):
    folder = "profiles/office/settings"
    when = "sip.server@2031-05-01T00:00:00Z"
    tree.put(f"{folder}/{when}", "sip31.example.net\n")
    assert tree.ls(folder) == ["sip.server", when, "time.zone"]
    assert tree.read(f"{folder}/{when}") == "sip31.example.net\n" and tree.read(SERVER) == "sip1.example.net\n"
    assert tree.read(f"{folder}/sip.server@2031-05-01T02:00:00+02:00") == "sip31.example.net\n"
    tree.put(f"{folder}/sip.server@2031-06-01T00:00:00Z", "sip32.example.net\n")
    os.unlink(tree / folder / when)
    assert tree.ls(folder) == ["sip.server", "sip.server@2031-06-01T00:00:00Z", "time.zone"]
    os.unlink(tree / SERVER)
    assert tree.ls(folder) == ["sip.server@2031-06-01T00:00:00Z", "time.zone"]


@pytest.mark.parametrize("name, expected", [("sip.server@tomorrow", "EINVAL"), ("sip.server@2031-02-30T00:00:00Z", "EINVAL"),
                                            ("sip.server@", "EINVAL"), ("sip.server@1960-01-01T00:00:00Z", "EINVAL"),
                                            ("sip.nonsense@2031-05-01T00:00:00Z", "ENOENT")])
def test_times_that_are_none(tree, name, expected):
    assert tree.write(f"profiles/office/settings/{name}", "x.example.net\n") == expected


def test_a_slash_in_a_native_key(tree):
    folder = f"{DEVICE}/settings"
    tree.put(f"{folder}/yealink:a%2Fb.c", "1\n")
    assert tree.ls(folder) == ["yealink:a%2Fb.c"] and tree.read(f"{folder}/yealink:a%2fb.c") == "1\n"
    assert "yealink:a/b.c=1" in tree.inv.provfs("list", "values", "yealink:a/b.c").replace("  ", "=").replace("==", "=") or \
        "yealink:a/b.c" in tree.inv.provfs("show", "device", MAC)
    os.unlink(tree / folder / "yealink:a%2Fb.c")
    assert tree.ls(folder) == []


# ---- secrets


def test_a_masked_mount_shows_no_secret(tree):
    for path, is_folder in tree.walk():
        if not is_folder and path not in ("import", "events"):
            assert SECRET.encode() not in (tree / path).read_bytes(), path
    assert tree.read("accounts/1001@acme/settings/sip.password") == MASK + "\n"
    assert tree.read("site/settings/phone.admin_password") == MASK + "\n"
    assert MASK in tree.read("export.csv")


def test_the_mask_is_no_secret(tree):
    path = "accounts/1001@acme/settings/sip.password"
    assert tree.write(path, MASK + "\n") == "EINVAL" and "********" in tree.outcome()
    assert SECRET.encode() in tree.inv.render(MAC)
    tree.put(path, "another\n")
    assert b"another" in tree.inv.render(MAC) and tree.read(path) == MASK + "\n"


def test_an_unmasked_mount(tree_of):
    tree = tree_of("allow_other,view=all,secrets=show")
    assert tree.read("accounts/1001@acme/settings/sip.password") == SECRET + "\n"
    assert SECRET in tree.read("export.csv") and SECRET in tree.read(f"{DEVICE}/explain")
    assert SECRET in tree.read(f"{DEVICE}/files/{MAC}.cfg")


def test_the_phones_files_are_never_masked(tree_of):
    tree = tree_of("allow_other,view=all,secrets=mask")
    assert SECRET.encode() in tree.mount.read(f"{MAC}.cfg")
    assert SECRET not in tree.read(f"{DEVICE}/files/{MAC}.cfg")


# ---- a folder that a shell stands in


def test_a_shell_inside_a_deleted_object(tree):
    r = tree.sh(f"cd devices/001565aabbdd; rmdir ../001565aabbdd; cat note; ls; echo x > note; mkdir ../001565aabbdd; cat note")
    assert "No such file or directory" in r.stderr


def test_stale_descriptors(tree):
    fd = os.open(tree / "devices/001565aabbdd/note", os.O_RDWR)
    os.rmdir(tree / "devices/001565aabbdd")
    assert answer(os.pread, fd, 10, 0) == "ENOENT" and answer(os.pwrite, fd, b"x\n", 0) == "ENOENT"
    os.close(fd)
    assert "001565aabbdd" not in tree.ls("devices")


def test_what_is_done_is_logged(tree):
    tree.put(SERVER, HOST)
    assert tree.read("log") == tree.inv.provfs("log")
    last = tree.read("log").splitlines()[-1]
    assert "profile office" in last and HOST in last and f"via control/{SERVER}" in last


def test_writing_what_is_there_is_no_change(tree):
    gen = tree.inv.gen()
    tree.put(SERVER, "sip1.example.net\n")
    tree.put(f"{DEVICE}/lines/1", "1001@acme\n")
    assert tree.inv.gen() == gen


def test_the_program_and_the_tree_agree(tree):
    assert subprocess.run(["cat", str(tree / "export.xml")], capture_output=True, check=True, text=True).stdout == \
        tree.inv.provfs("export", "--format", "xml")
    assert tree.read("export.csv") == tree.inv.provfs("export")


def test_the_end_comes_while_files_are_open(tree_of):
    """Their RELEASE never comes; the daemon, which the fixture's library looks at, leaves nothing behind all the same."""
    tree = tree_of(control.admin_options())
    file, folder = os.open(tree / "log", os.O_RDONLY), os.open(tree / "devices", os.O_RDONLY | os.O_DIRECTORY)
    assert os.read(file, 10) and os.listdir(folder)
    tree.mount.close()
    for fd in (file, folder):
        assert answer(os.close, fd) in ("ok", "ENOTCONN")
