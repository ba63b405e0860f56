"""Names with folders: the mount, the servers, the commands and the control tree."""
import errno
import os
import time

import pytest

import control
import lib

MAC, OTHER, OFF = "02a1b2000001", "02a1b2000002", "02a1b2000003"
DASHES = "02-A1-B2-00-00-01"

TEMPLATE = """<template vendor="acme" title="Acme" absent-key="kept">
  <model name="acme-1" title="Acme 1" lines="1" keys="0"/>
  <model name="acme-2" title="Acme 2" lines="1" keys="0"/>
  <file name="{mac}.cfg" main="yes" syntax="properties"><set key="server" value="{sip.server}"/></file>
  <file name="Prov/{mac}/phonebook.xml" models="acme-1" syntax="xml-element">
    <alias name="url/{mac}/{MAC}.xml"/>
    <element name="book"><set key="server" value="{sip.server}"/></element>
  </file>
  <file name="Prov/{mac}/more/tones.cfg" models="acme-1" syntax="properties"><set key="tone" value="1"/></file>
  <file name="Prov/{MAC}.cfg" syntax="properties"><set key="mac" value="{device.mac}"/></file>
  <file name="Prov/common/{model.name}.cfg" per="model" syntax="properties"><set key="model" value="{model.name}"/></file>
</template>
"""


def fill(inv):
    (inv.templates / "acme").mkdir()
    (inv.templates / "acme/acme.xml").write_text(TEMPLATE)
    inv.provfs("add", "profile", "office", "sip.server=one.example.net")
    for mac, model in ((MAC, "acme-1"), (OTHER, "acme-2"), (OFF, "acme-1")):
        inv.provfs("add", "device", mac, f"model={model}", "profile=office")
    inv.provfs("set", "device", OFF, "enabled=no")
    for name in ("prov/readme.txt", "prov/common/logo.png", f"prov/{MAC}/logo.png", f"prov/{MAC}/phonebook.xml",
                 f"prov/{OFF}/logo.png", f"prov/{OTHER}/only.txt", "firmware/x.rom"):
        path = inv.assets / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"asset {name}\n")
    return inv


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    return fill(lib.Inventory(tmp_path_factory.mktemp("folders") / "inv"))


def errno_of(fn, *args):
    with pytest.raises(OSError) as e:
        fn(*args)
    return e.value.errno


@pytest.mark.parametrize("folder", ["Prov", "prov", "PROV"])
@pytest.mark.parametrize("mac", [MAC, DASHES, MAC.upper()])
def test_every_spelling_is_the_same_file(mount, fleet, folder, mac):
    want = fleet.render(MAC, f"Prov/{MAC}/phonebook.xml")
    assert b"one.example.net" in want
    for name in (f"{folder}/{mac}/phonebook.xml", f"{folder}/{mac}/PhoneBook.XML", f"URL/{mac}/{mac}.xml"):
        assert mount.read(name) == want
    inodes = {os.stat(mount.path / f"{folder}/{mac}{x}").st_ino for x in ("", "/", "/.")}
    assert inodes == {os.stat(mount.path / f"Prov/{MAC}").st_ino}
    assert mount.read(f"{folder}/{mac}/more/tones.cfg") == b"tone = 1\n"
    assert mount.read(f"{folder}/{mac}.cfg") == f"mac = {MAC}\n".encode()
    assert mount.read(f"{folder}/common/ACME-1.cfg") == b"model = acme-1\n"


def test_listings(mount):
    assert sorted(os.listdir(mount.path)) == sorted(["Prov", "firmware", f"{MAC}.cfg", f"{OTHER}.cfg"])
    in_prov = ["common", MAC, OTHER, f"{MAC.upper()}.cfg", f"{OTHER.upper()}.cfg", "readme.txt"]
    assert sorted(os.listdir(mount.path / "prov")) == sorted(in_prov)
    assert sorted(os.listdir(mount.path / "Prov/common")) == ["acme-1.cfg", "acme-2.cfg", "logo.png"]
    assert sorted(os.listdir(mount.path / f"Prov/{DASHES}")) == ["logo.png", "more", "phonebook.xml"]
    assert os.listdir(mount.path / f"Prov/{MAC}/more") == ["tones.cfg"]
    assert os.listdir(mount.path / f"Prov/{OTHER}") == ["only.txt"]
    for folder, folders, files in os.walk(mount.path):
        for name in files:
            assert os.path.isfile(os.path.join(folder, name))
        for name in folders:
            assert os.path.isdir(os.path.join(folder, name))


def test_a_listing_resumes_where_it_stopped(mount):
    fd = os.open(mount.path / "Prov", os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert sorted(lib.getdents(fd, 64)) == sorted(os.listdir(mount.path / "Prov"))
    finally:
        os.close(fd)


def test_assets_of_the_same_folder(mount):
    assert mount.read("Prov/readme.txt") == b"asset prov/readme.txt\n"
    assert mount.read(f"Prov/{DASHES}/logo.png") == f"asset prov/{MAC}/logo.png\n".encode()
    assert mount.read("PROV/Common/Logo.png") == b"asset prov/common/logo.png\n"
    assert b"asset" not in mount.read(f"prov/{MAC}/phonebook.xml")  # the inventory's wins


@pytest.mark.parametrize("name", ["Prov/02a1b2ffff01", "Prov/02a1b2ffff01/phonebook.xml", f"Prov/{OTHER}/phonebook.xml",
                                  f"Prov/{MAC}/other", f"Prov/{MAC}/more/more", f"Prov/{OFF}", f"Prov/{OFF}/logo.png",
                                  f"url/{MAC}/{OTHER}.xml", "Pro", "more", f"{MAC}/phonebook.xml", "prov/common/acme-9.cfg"])
def test_what_is_not_there(mount, name):
    assert errno_of(os.stat, mount.path / name) == errno.ENOENT


def test_a_file_is_no_folder(mount):
    assert errno_of(mount.read, f"Prov/{MAC}/phonebook.xml/x") == errno.ENOTDIR
    assert errno_of(mount.read, f"Prov/{MAC}") == errno.EISDIR
    assert errno_of(os.stat, mount.path / f"Prov/{MAC}" / ("x" * 256)) == errno.ENAMETOOLONG
    assert errno_of(os.mkdir, mount.path / "Prov/new") in (errno.EROFS, errno.EACCES)


def test_unknown_folders_are_cheap(mount):
    start = time.monotonic()
    for n in range(3000):
        assert not os.path.exists(mount.path / f"Prov/02a1b2{n + 0x800000:06x}/phonebook.xml")
    assert (time.monotonic() - start) / 3000 < 0.003


def test_a_version_stays_what_it_was(mount, fleet):
    name = f"Prov/{MAC}/phonebook.xml"
    with open(mount.path / name, "rb") as f:
        before = os.fstat(f.fileno())
        fleet.provfs("set", "profile", "office", "sip.server=two.example.net")
        after = os.stat(mount.path / name)
        assert (after.st_ino, after.st_mtime) > (0, before.st_mtime) and after.st_ino != before.st_ino
        assert b"one.example.net" in f.read() and b"two.example.net" in mount.read(name)
    fleet.provfs("set", "profile", "office", "sip.server=one.example.net")


def test_a_device_comes_and_goes_and_moves(mount, fleet):
    folder = mount.path / f"Prov/{OFF}"
    fd = os.open(mount.path / f"Prov/{MAC}", os.O_RDONLY | os.O_DIRECTORY)
    fleet.provfs("set", "device", OFF, "enabled=yes")
    assert sorted(os.listdir(folder)) == ["logo.png", "more", "phonebook.xml"]
    fleet.provfs("set", "device", OFF, "model=acme-2")
    assert os.listdir(folder) == ["logo.png"] and errno_of(os.stat, folder / "phonebook.xml") == errno.ENOENT
    fleet.provfs("set", "device", OFF, "enabled=no", "model=acme-1")
    assert not folder.exists()
    assert sorted(os.listdir(fd)) == ["logo.png", "more", "phonebook.xml"]
    os.close(fd)


def test_the_time_outlives_a_restart(fleet, mount, tmp_path, mounted):
    inv = fill(lib.Inventory(tmp_path / "again"))
    name = f"prov/{MAC.upper()}/phonebook.xml"
    first = mounted(inv)
    before = os.stat(first.path / name)
    first.close()
    time.sleep(1.1)
    after = os.stat(mounted(inv).path / f"Prov/{DASHES}/phonebook.xml")
    assert (before.st_ino, before.st_mtime) == (after.st_ino, after.st_mtime)


def test_many_folders_are_let_go(tmp_path, mounted):
    """Folders count as files do: what was asked least recently is dropped, and found again."""
    inv = fill(lib.Inventory(tmp_path / "many"))
    with open(tmp_path / "ctl", "w", encoding="utf-8") as f:
        for n in range(600):
            f.write(f"add device 02a1b3{n:06x} model=acme-1 profile=office\n")
    inv.provfs("apply", str(tmp_path / "ctl"))
    m = mounted(inv, options="ro,allow_other,view=phones,names=256")
    held = os.open(m.path / "Prov/02a1b3000000/phonebook.xml", os.O_RDONLY)
    for _ in range(2):
        for n in range(600):
            assert b"one.example.net" in m.read(f"Prov/02a1b3{n:06x}/phonebook.xml")
    assert b"one.example.net" in os.read(held, 4096)
    os.close(held)


def test_a_crowd_in_all_spellings(tmp_path, mounted):
    """While a folder is asked by several names, and dropped, nobody is refused."""
    inv = fill(lib.Inventory(tmp_path / "crowd"))
    m = mounted(inv, options="ro,allow_other,view=phones,names=16")
    want = inv.render(MAC, f"Prov/{MAC}/phonebook.xml")

    def reader(first):
        def work(until):
            n = first
            while time.monotonic() < until:
                folder, mac = ("Prov", "prov", "PROV")[n % 3], (MAC, DASHES, MAC.upper())[n // 3 % 3]
                assert m.read(f"{folder}/{mac}/phonebook.xml") == want
                assert m.read(f"{folder}/{mac}/logo.png").startswith(b"asset")
                n += 1
            return n - first

        return work

    assert min(lib.crowd(4, a=reader(0), b=reader(1), c=reader(4), d=reader(8)).values()) > 10


def test_names_that_the_kernel_keeps(tmp_path, mounted):
    """check=commit: a commit drops what is kept in folders too, under every spelling."""
    inv = fill(lib.Inventory(tmp_path / "kept"))
    m = mounted(inv, options="ro,allow_other,view=phones,check=commit")
    names = [f"{folder}/{mac}/phonebook.xml" for folder in ("Prov", "PROV") for mac in (MAC, DASHES)] + [f"url/{MAC}/{MAC}.xml"]
    for n in range(20):
        scope = ("profile", "office") if n % 2 else ("device", MAC)
        inv.provfs("set", *scope, f"sip.server=s{n}.example.net")
        if n % 2:
            inv.provfs("unset", "device", MAC, "sip.server")
        for name in names:
            lib.wait_for("the new version", lambda n=n, name=name: f"s{n}.example.net".encode() in m.read(name), 1)
    inv.provfs("set", "device", MAC, "enabled=no")
    lib.wait_for("the folder to go", lambda: not any((m.path / name).exists() for name in names), 1)


@pytest.mark.parametrize("spelling", [f"Prov/{MAC}/phonebook.xml", f"prov/{DASHES}/PHONEBOOK.xml"])
@pytest.mark.parametrize("server", ["lighttpd", "nginx"])
def test_http(request, fleet, server, spelling):
    server = request.getfixturevalue(server)
    reply = lib.curl(server.url(spelling))
    assert (reply.status, reply.body) == (200, fleet.render(MAC, f"Prov/{MAC}/phonebook.xml"))
    assert lib.curl(server.url(spelling), If_None_Match=reply.headers["etag"]).status == 304
    assert lib.curl(server.url("Prov/02a1b2ffff01/phonebook.xml")).status == 404
    assert lib.curl(server.url("Prov/")).status in (403, 404)


@pytest.mark.parametrize("server", ["tftpd", "dnsmasq"])
def test_tftp(request, fleet, server):
    server = request.getfixturevalue(server)
    want = fleet.render(MAC, f"Prov/{MAC}/phonebook.xml")
    assert lib.tftp_hpa(server, f"prov/{MAC.upper()}/phonebook.xml", fleet.folder)[0] == want
    got, said = lib.tftp_hpa(server, "Prov/02a1b2ffff01/phonebook.xml", fleet.folder)
    assert got is None and "not found" in said.lower()


def test_tftp_backslash(tftpd, fleet):
    assert lib.tftp_hpa(tftpd, f"\\Prov\\{MAC}\\phonebook.xml", fleet.folder)[0] == fleet.render(MAC, f"Prov/{MAC}/phonebook.xml")


def test_commands(fleet):
    assert fleet.render(MAC, f"url/{DASHES}/{MAC}.xml") == fleet.render(MAC, f"prov/{MAC}/phonebook.XML")
    assert fleet.render(MAC, f"prov/{MAC}/more/tones.cfg") == b"tone = 1\n"
    assert fleet.render(MAC, "Prov/common/acme-1.cfg") == b"model = acme-1\n"
    fleet.refused("render", MAC, f"prov/{OTHER}/phonebook.xml", says=["no such file", f"Prov/{MAC}/phonebook.xml"])
    assert f"server in Prov/{MAC}/phonebook.xml" in fleet.provfs("explain", MAC, "sip.server")
    assert fleet.run("check").returncode == 0
    assert "Prov/{mac}/phonebook.xml" in fleet.provfs("show", "model", "acme-1")


def test_the_control_tree(tmp_path, mounted):
    inv = fill(lib.Inventory(tmp_path / "control"))
    phones = mounted(inv)
    tree = control.Tree(mounted(inv, control.admin_options(), path=tmp_path / "admin"))
    files = tree / f"devices/{MAC}/files"
    name = f"Prov%2F{MAC}%2Fphonebook.xml"
    assert sorted(os.listdir(files)) == sorted([f"{MAC}.cfg", name, f"Prov%2F{MAC}%2Fmore%2Ftones.cfg", f"Prov%2F{MAC.upper()}.cfg"])
    assert (files / name).read_bytes() == inv.render(MAC, f"Prov/{MAC}/phonebook.xml")
    assert (files / f"prov%2f{DASHES}%2Fphonebook.xml").read_bytes() == (files / name).read_bytes()
    assert not (files / f"Prov%2F{OTHER}%2Fphonebook.xml").exists()
    assert not os.path.exists(phones.path / "prov/02a1b2ffff01/phonebook.xml")
    assert not os.path.exists(phones.path / "snom-000413aabbcc.htm")  # a make that no template is for
    lib.wait_for("the names in unknown", lambda: tree.read("unknown").count("\n") == 2, 10)
    unknown = tree.read("unknown")
    assert "02a1b2ffff01\tprov/02a1b2ffff01/\t1\t" in unknown and "000413aabbcc\tsnom-000413aabbcc.htm\t1\t" in unknown


def test_a_failing_store_never_looks_like_a_missing_phone(tmp_path, mounted):
    inv = fill(lib.Inventory(tmp_path / "failing"))
    m = mounted(inv)
    m.expect(r"inventory\.db", "no inventory", "last version", "Prov", "prov")
    want = m.read(f"prov/{MAC}/phonebook.xml")
    os.rename(inv.db, inv.folder / "away.db")
    (inv.folder / "inventory.db").write_bytes(b"no database" * 1000)
    try:
        assert m.read(f"prov/{MAC}/phonebook.xml") == want
        assert errno_of(os.stat, m.path / f"prov/{OTHER[:-1]}9/phonebook.xml") == errno.EIO
        assert m.read("firmware/x.rom") == b"asset firmware/x.rom\n"
    finally:
        os.rename(inv.folder / "away.db", inv.db)
    assert m.read(f"prov/{MAC}/phonebook.xml") == want
