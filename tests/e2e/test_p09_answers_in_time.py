"""P9: every request is answered within two seconds, with an error if need be; a locked or damaged database or a full disk never
hangs the mount and never changes what phones get."""
import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

import lib

MAC, OTHER = "001565000007", "00156500000e"
NAME, ALIAS = f"{MAC}.cfg", f"{MAC.upper()}.CFG"
UNKNOWN = "0015650fffff.cfg"
LIMIT_S = 2.0


def timed(fn, *args):
    """What fn gives or the errno it fails with, within the limit."""
    began = time.monotonic()
    try:
        got = fn(*args)
    except OSError as e:
        got = e.errno
    assert time.monotonic() - began < LIMIT_S, f"{fn.__name__}{args} took {time.monotonic() - began:.1f} s"
    return got


def crowd_of(fn, n=24):
    """n threads at once: none may wait behind the others for longer than the limit."""
    results = []
    threads = [threading.Thread(target=lambda: results.append(timed(fn))) for _ in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(results) == n
    return results


@pytest.fixture
def served(own_fleet, mounted):
    """A mount whose daemon may say that something is wrong, and the bytes that a phone got before."""
    m = mounted(own_fleet)
    m.expect("inventory", "state", "stays in service", MAC, OTHER, UNKNOWN, "templates")
    m.before = m.read(NAME)
    return m


def same_as_before(m):
    for name in (NAME, ALIAS):
        assert timed(m.read, name) == m.before


def sqlite(inventory):
    return contextlib.closing(sqlite3.connect(inventory.db, isolation_level=None))


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
def test_locked_by_sqlite(own_fleet, served, how):
    with sqlite(own_fleet) as db:
        db.execute(how)
        db.execute("UPDATE setting SET value = 'no.example.net' WHERE key = 'sip.server'")
        assert all(x == served.before for x in crowd_of(lambda: served.read(NAME)))
        assert timed(served.read, UNKNOWN) == errno.ENOENT
        db.execute("ROLLBACK")


def test_locked_by_a_writer(own_fleet, served):
    with open(str(own_fleet.db) + ".lock", "a+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        same_as_before(served)
        assert timed(served.read, UNKNOWN) == errno.ENOENT


def test_posix_locks_of_another_program(own_fleet, served):
    """A backup program that locks what it reads: the lock is not had, or does not matter."""
    child = subprocess.Popen(["python3", "-c", "import fcntl, sys\nf = open(sys.argv[1], 'r+b')\n"
                              "try: fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)\nexcept OSError: pass\n"
                              "print(flush=True); sys.stdin.read()", str(own_fleet.db)],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    try:
        same_as_before(served)
    finally:
        child.communicate(b"")


def remove(inventory):
    for suffix in ("", "-wal", "-shm"):
        Path(str(inventory.db) + suffix).unlink(missing_ok=True)


def test_deleted_and_restored(own_fleet, served, tmp_path):
    kept = lib.copy_inventory(own_fleet, tmp_path / "kept")
    remove(own_fleet)
    same_as_before(served)
    with sqlite(kept) as db:
        kept.provfs("set", "device", MAC, "sip.server=restored.example.net")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.move(kept.db, own_fleet.db)
    assert b"restored.example.net" in timed(served.read, NAME)
    own_fleet.provfs("set", "device", MAC, "sip.server=after.example.net")
    assert b"after.example.net" in timed(served.read, NAME)


def test_an_older_copy_restored(own_fleet, served, tmp_path):
    """Its epoch is the same and its gen behind: nothing of what is in memory may count."""
    kept = lib.copy_inventory(own_fleet, tmp_path / "kept")
    for n in range(5):
        own_fleet.provfs("set", "site", f"time.ntp=ntp{n}.example.net")
    own_fleet.provfs("set", "device", MAC, "sip.server=new.example.net")
    assert b"new.example.net" in served.read(NAME)
    with sqlite(kept) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    remove(own_fleet)
    shutil.move(kept.db, own_fleet.db)
    same_as_before(served)


def test_an_older_state_restored_through_sqlite(own_fleet, served, tmp_path):
    """As the shell of SQLite does by .restore, into the open file."""
    kept = lib.copy_inventory(own_fleet, tmp_path / "kept")
    own_fleet.provfs("set", "device", MAC, "sip.server=new.example.net")
    assert b"new.example.net" in served.read(NAME)
    with sqlite(kept) as source, sqlite(own_fleet) as target:
        source.backup(target)
    same_as_before(served)
    own_fleet.provfs("set", "device", MAC, "sip.server=newer.example.net")
    assert b"newer.example.net" in served.read(NAME)


@pytest.mark.parametrize("fault", ["garbage", "zeros", "cut", "empty"])
def test_damaged(own_fleet, served, tmp_path, fault):
    """What was served is served on; what was not is an error, never a missing phone. An intact file in its place is taken up."""
    with sqlite(own_fleet) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = lib.copy_inventory(own_fleet, tmp_path / "kept")
    names = os.listdir(served.path)
    size = own_fleet.db.stat().st_size
    with open(own_fleet.db, "r+b") as f:
        if fault == "cut":
            f.truncate(size // 3)
        elif fault == "empty":
            f.truncate(0)
        else:
            f.write((b"\0" if fault == "zeros" else b"garbage ") * (size // (1 if fault == "zeros" else 8)))
    for _ in range(3):
        same_as_before(served)
    got = [timed(served.read, name) for name in names]
    assert errno.ENOENT not in got, "a failing store looks like a missing phone"
    assert all(timed(os.stat, served.path / "firmware.rom") == errno.ENOENT for _ in range(3))
    remove(own_fleet)
    shutil.move(kept.db, own_fleet.db)
    assert timed(served.read, NAME) == served.before
    assert timed(served.read, f"{OTHER}.cfg") == own_fleet.render(OTHER)


@pytest.fixture
def small_disk(fleet_db, tmp_path):
    """An inventory on a disk of its own that can be filled."""
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)], check=True)
    yield lib.copy_inventory(fleet_db, disk / "fleet")
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(folder):
    with open(folder / "filler", "wb") as f, contextlib.suppress(OSError):
        while True:
            f.write(b"x" * 65536)
            f.flush()


def test_full_disk(small_disk, mounted):
    m = mounted(small_disk, path=small_disk.folder.parent.parent / "phones")
    m.expect("state", "disk is full")
    before = m.read(NAME)
    fill(small_disk.folder)
    assert timed(m.read, NAME) == before
    assert small_disk.run("set", "site", "sip.server=no.example.net").returncode == 1
    assert timed(m.read, NAME) == before
    names = os.listdir(m.path)
    assert all(isinstance(timed(m.read, n), bytes) for n in names[:200])
    (small_disk.folder / "filler").unlink()
    small_disk.provfs("set", "device", MAC, "sip.server=yes.example.net")
    assert b"yes.example.net" in timed(m.read, NAME)


def test_read_only_disk(small_disk, mounted):
    disk = small_disk.folder.parent
    with sqlite(small_disk) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    (disk.parent / "phones").mkdir()
    log = small_disk.folder
    small_disk.folder = disk.parent  # for the log
    m = mounted(small_disk, path=disk.parent / "phones")
    m.expect("state", "cannot be written")
    small_disk.folder = log
    assert timed(m.read, NAME) == small_disk.render(MAC)
    assert small_disk.run("set", "site", "sip.server=no.example.net").returncode == 1
    m.close()


def test_thousands_of_unknown_names(served):
    """Nothing is remembered of them."""

    def rss():
        text = Path(f"/proc/{served.p.pid}/status").read_text()
        return int(next(x for x in text.splitlines() if x.startswith("VmRSS")).split()[1])

    def ask(numbers):
        for n in numbers:
            assert timed(os.stat, served.path / f"02{n:010x}.cfg") == errno.ENOENT
            assert timed(os.stat, served.path / f"name-{n}") == errno.ENOENT

    ask(range(2000))
    before = rss()
    ask(range(2000, 12000))
    if not lib.SANITIZED:  # freed memory is kept in quarantine there
        assert rss() - before < 2048
