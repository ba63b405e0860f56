"""P7: every case and separator that phones use finds the file; ls shows each once; what no device has is ENOENT, cheaply."""
import os
import time

import pytest

import lib

MACS = ["001565000007", "805ec0000007", "0004f2000007", "d0c789000007", "000e08000007", "02a1b2000007"]


def spellings(mac):
    pairs = [mac[i:i + 2] for i in range(0, 12, 2)]
    for m in (mac, "-".join(pairs), ":".join(pairs)):
        for name in (m + ".cfg", m.upper() + ".cfg", m + ".CFG", m.upper() + ".CFG", m.upper() + ".Cfg"):
            yield name


@pytest.mark.parametrize("mac", MACS)
def test_every_spelling_is_the_same_file(mount, mac):
    inodes = {os.stat(mount.path / name).st_ino for name in spellings(mac)}
    assert len(inodes) == 1
    data = {mount.read(name) for name in spellings(mac)}
    assert len(data) == 1


def test_ls_shows_each_file_once(mount):
    names = os.listdir(mount.path)
    assert len(names) == len(set(names)) == len({n.lower() for n in names})
    inodes = [os.stat(mount.path / n).st_ino for n in names]
    assert len(inodes) == len(set(inodes))


def test_what_ls_shows_can_be_read(mount):
    for name in os.listdir(mount.path):
        assert mount.read(name)


def test_ls_resumes_where_it_stopped(mount):
    """Small buffers: nothing twice, nothing missing."""
    whole = sorted(os.listdir(mount.path))
    fd = os.open(mount.path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert sorted(lib.getdents(fd, 256)) == whole
    finally:
        os.close(fd)


@pytest.mark.parametrize("name", ["001565ffff07.cfg", "0015650000077.cfg", "00156500000.cfg", "001565000007.txt", "001565000007",
                                  "favicon.ico", "x" * 255, "00:15-65:00-00:07.cfg.cfg", ".cfg", "001565000007.cfg.cfg", "ü.cfg",
                                  "control", "ffffffffffff.cfg"])
def test_unknown_names(mount, name):
    with pytest.raises(FileNotFoundError):
        mount.read(name)
    with pytest.raises(FileNotFoundError):
        os.stat(mount.path / name)


def test_the_yealink_boot_files_are_absent(mount):
    """A phone that found one would fetch only what it includes."""
    for name in ("001565000007.boot", "y000000000000.boot"):
        assert not os.path.exists(mount.path / name)


def test_unknown_names_are_cheap(mount):
    start = time.monotonic()
    for n in range(5000):
        assert not os.path.exists(mount.path / f"001565{n + 0x800000:06x}.cfg")
    assert (time.monotonic() - start) / 5000 < 0.002


def test_a_name_too_long(mount):
    with pytest.raises(OSError) as e:
        os.stat(mount.path / ("x" * 256))
    assert e.value.errno == 36


def test_path_below_a_file(mount):
    with pytest.raises(NotADirectoryError):
        mount.read("001565000007.cfg/x")
