"""The mount itself: how it starts, ends, and what it refuses."""
import errno
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

import lib

MAC = "001565000007"
NAME = f"{MAC}.cfg"


def daemon_of(mountpoint):
    """The pid of the provfs that was told to mount here."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                words = f.read().split(b"\0")
        except OSError:
            continue
        if str(mountpoint).encode() in words and words[0].endswith((b"provfs", b"mount.fuse.provfs")):
            return int(pid)
    return None


@pytest.fixture
def background(own_fleet):
    """A function that mounts by a command that returns; the daemon is ended by its pid."""

    def do(argv, env=None):
        r = subprocess.run(argv, env={**own_fleet.env, **(env or {})}, capture_output=True, text=True, timeout=60, check=False)
        assert r.returncode == 0, r.stderr
        return own_fleet.phones

    yield do
    if pid := daemon_of(own_fleet.phones):
        os.kill(pid, signal.SIGTERM)
        lib.wait_for("the daemon to end", lambda: not os.path.exists(f"/proc/{pid}"))
    assert not lib.is_mounted(own_fleet.phones)


# ---- start and end


def test_mount_returns_when_it_serves(own_fleet, background):
    path = background([lib.PROVFS, "mount", "-o", "ro,allow_other,view=phones", str(own_fleet.phones)])
    assert lib.is_mounted(path) and (path / NAME).read_bytes() == own_fleet.render(MAC)
    subprocess.run(["umount", str(path)], check=True)
    lib.wait_for("the daemon to end", lambda: daemon_of(path) is None)


def link_program(folder, name):
    folder.mkdir()
    os.symlink(lib.PROVFS, folder / name)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_mount_fuse_helper(own_fleet, background):
    """What mount(8) runs for -t fuse.provfs: mount.fuse3, which runs `provfs DB MOUNTPOINT -o …`."""
    path = background(["/sbin/mount.fuse3", str(own_fleet.db), str(own_fleet.phones), "-t", "fuse.provfs", "-o",
                       "ro,allow_other,view=phones"], link_program(own_fleet.folder / "bin", "provfs"))
    assert (path / NAME).read_bytes()


@pytest.fixture
def helper():
    """What `ninja install` puts there for mount(8), which gives its helpers no PATH."""
    link = Path("/sbin/mount.fuse.provfs")
    had = link.exists()
    if not had:
        link.symlink_to(lib.PROVFS)
    yield
    if not had:
        link.unlink()


def test_mount_from_fstab(own_fleet, background, helper):
    fstab = own_fleet.folder / "fstab"
    fstab.write_text(f"{own_fleet.db} {own_fleet.phones} fuse.provfs ro,allow_other,view=phones,nofail,noatime 0 0\n")
    path = background(["mount", "--fstab", str(fstab), str(own_fleet.phones)])
    assert (path / NAME).read_bytes()
    with open("/proc/self/mounts", encoding="utf-8") as f:
        assert f"{own_fleet.db} {path} fuse.provfs ro" in f.read()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_unmount_cleanly(own_fleet, mounted, sig):
    m = mounted(own_fleet)
    m.read(NAME)
    status = m.p.send_signal(sig) or m.p.wait(20)
    assert status == 0 and not lib.is_mounted(m.path) and not m.suspicious()


def test_umount_ends_the_daemon(own_fleet, mounted):
    m = mounted(own_fleet)
    subprocess.run(["umount", str(m.path)], check=True)
    assert m.p.wait(20) == 0


def test_sigterm_while_a_file_is_open(own_fleet, mounted):
    m = mounted(own_fleet)
    fd = os.open(m.path / NAME, os.O_RDONLY)
    m.p.send_signal(signal.SIGTERM)
    assert m.p.wait(20) == 0 and not lib.is_mounted(m.path)
    with pytest.raises(OSError):  # nobody is there to be told
        os.close(fd)


def test_a_dead_mount_is_cleared_at_the_next_start(own_fleet, mounted):
    m = mounted(own_fleet)
    m.p.kill()
    m.p.wait()
    with pytest.raises(OSError) as e:
        os.listdir(m.path)
    assert e.value.errno == errno.ENOTCONN
    again = mounted(own_fleet)
    assert again.read(NAME) == own_fleet.render(MAC)


def test_mounting_twice_at_one_place_is_refused(own_fleet, mounted):
    mounted(own_fleet)
    r = own_fleet.run("mount", "-o", lib.Mount.OPTIONS, own_fleet.phones)
    assert r.returncode == 1 and b"mounted already" in r.stderr.splitlines()[-1]


@pytest.mark.parametrize("args", [("/no/such/folder",), ("-o", "view=sideways", "PHONES"), ("-o", "frobnicate", "PHONES")])
def test_mounts_that_cannot_be(own_fleet, args):
    r = own_fleet.run("mount", *(str(own_fleet.phones) if a == "PHONES" else a for a in args))
    mounted = lib.is_mounted(own_fleet.phones)
    lib.unmount(own_fleet.phones)
    assert r.returncode in (1, 2) and r.stderr and not mounted


def test_an_inventory_of_nothing(inv, mounted):
    m = mounted(inv)
    assert not [n for n in os.listdir(m.path) if n[0] in "0123456789" and n != "000000000000.cfg"]


# ---- what may be done


@pytest.mark.parametrize("options, refusals", [("ro,allow_other,view=phones", {errno.EROFS}),
                                               ("allow_other,view=phones", {errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTSUP, errno.ENOSYS})])
def test_nothing_of_the_phones_files_can_be_changed(own_fleet, mounted, options, refusals):
    m = mounted(own_fleet, options)
    file, new = m.path / NAME, m.path / "new"
    before = m.read(NAME)
    for attempt in (lambda: open(file, "wb").close(), lambda: open(file, "ab").close(), lambda: open(new, "xb").close(),
                    lambda: os.unlink(file), lambda: os.rename(file, new), lambda: os.mkdir(new), lambda: os.truncate(file, 0),
                    lambda: os.symlink("x", new), lambda: os.link(file, new), lambda: os.chmod(file, 0o777),
                    lambda: os.chown(file, 1, 1), lambda: os.utime(file, (0, 0)), lambda: os.rmdir(m.path)):
        with pytest.raises(OSError) as e:
            attempt()
        assert e.value.errno in refusals | {errno.EBUSY, errno.EXDEV}, e.value
    assert m.read(NAME) == before


def test_modes(own_fleet, mounted):
    m = mounted(own_fleet)
    assert os.stat(m.path / NAME).st_mode & 0o777 == 0o444
    assert os.stat(m.path).st_mode & 0o7777 == 0o751


def test_statfs_answers(mount):
    assert os.statvfs(mount.path).f_namemax == 255


def test_many_open_files(mount):
    names = [n for n in os.listdir(mount.path)][:300]
    files = [open(mount.path / n, "rb") for n in names]
    assert all(f.read() for f in files)
    for f in files:
        f.close()


def test_the_kernel_forgets(mount):
    """Reading after the caches were dropped."""
    with open(mount.path / NAME, "rb") as f:
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as drop:
            drop.write("2\n")
        assert f.read() == mount.read(NAME)


# ---- assets


@pytest.fixture
def assets(own_fleet, mounted):
    (own_fleet.assets / "firmware" / "T46").mkdir(parents=True)
    (own_fleet.assets / "firmware" / "T46" / "66.86.0.15.rom").write_bytes(os.urandom(300_000))
    (own_fleet.assets / "Ring.wav").write_bytes(b"RIFF" * 1000)
    (own_fleet.assets / NAME).write_bytes(b"not what the inventory says")
    return mounted(own_fleet)


def test_a_walk_through_a_listing_finds_files_made(own_fleet, mounted):
    m = mounted(own_fleet, "allow_other,view=all")

    def renders():
        return int(re.search(rb"^renders (\d+)$", m.read("control/status"), re.M)[1])

    macs = {line.split(",")[0] for line in lib.FLEET.read_text().splitlines()[1:]}
    files = [n for n in os.listdir(m.path) if any(mac in macs for mac in re.findall("[0-9a-f]{12}", n.lower()))]
    assert len(files) > len(macs)
    assert renders() == 0
    for name in reversed(files[:12]):  # as phones do, in no order: nothing else is made
        os.stat(m.path / name)
    assert renders() == 12
    for name in files[:12]:  # as `ls -l` does: it comes to the others next
        os.stat(m.path / name)
    lib.wait_for("all files to be made", lambda: renders() == len(files))
    subprocess.run(["ls", "-l", str(m.path)], check=True, stdout=subprocess.DEVNULL)
    assert renders() - len(files) < 10, "but for what is common to models, all was made"
    for mac in sorted(macs)[:20]:
        assert m.read(f"{mac}.cfg") == own_fleet.render(mac)
    own_fleet.provfs("set", "profile", "office", "sip.server=moved.example.net")
    assert b"moved.example.net" in m.read(NAME), "what was made ahead is checked as ever"


def test_assets_appear_at_the_root(own_fleet, assets):
    assert assets.read("Ring.wav") == b"RIFF" * 1000
    assert assets.read("firmware/T46/66.86.0.15.rom") == (own_fleet.assets / "firmware/T46/66.86.0.15.rom").read_bytes()
    assert {"Ring.wav", "firmware"} <= set(os.listdir(assets.path)) and os.listdir(assets.path / "firmware") == ["T46"]


def test_letter_case_of_assets_is_ignored(assets):
    assert assets.read("RING.WAV") == assets.read("ring.wav") == assets.read("Ring.wav")
    assert assets.read("FIRMWARE/t46/66.86.0.15.ROM") == assets.read("firmware/T46/66.86.0.15.rom")


def test_the_inventory_wins_over_an_asset(own_fleet, assets):
    assert assets.read(NAME) == own_fleet.render(MAC)
    assert os.listdir(assets.path).count(NAME) == 1


def test_assets_come_change_and_go(own_fleet, assets):
    new = own_fleet.assets / "logo.png"
    new.write_bytes(b"one")
    assert assets.read("logo.png") == b"one"
    (own_fleet.assets / "tmp").write_bytes(b"twotwo")
    os.rename(own_fleet.assets / "tmp", new)
    assert assets.read("logo.png") == b"twotwo" and os.stat(assets.path / "logo.png").st_size == 6
    new.unlink()
    lib.wait_for("the asset to go", lambda: not os.path.exists(assets.path / "logo.png"), 2)


def test_assets_do_not_lead_outside(own_fleet, assets):
    os.symlink("/etc/passwd", own_fleet.assets / "passwd")
    os.symlink("/etc", own_fleet.assets / "etc")
    for name in ("passwd", "etc/passwd", "../provfs.conf", "firmware/../../inventory.db"):
        try:
            data = assets.read(name)
        except OSError:
            continue
        assert b"root:" not in data and not data.startswith(b"SQLite") or ".." in name


def test_assets_are_read_only(assets):
    with pytest.raises(OSError):
        (assets.path / "Ring.wav").write_bytes(b"x")


# ---- time


def test_answers_in_two_seconds_while_the_inventory_is_locked(own_fleet, mounted):
    m = mounted(own_fleet)
    writer = lib.FastWriter(own_fleet)
    with writer.transaction():
        start = time.monotonic()
        assert m.read(NAME) and m.read("805ec0000007.cfg")
        assert time.monotonic() - start < 2
    writer.close()
