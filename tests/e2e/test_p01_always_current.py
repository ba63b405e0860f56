"""P1: a file opened after a change was committed has the change in it, whoever made it."""
import multiprocessing
import os
import time

import pytest

import lib


@pytest.fixture
def counter(fleet, mount):
    c = lib.Counter(fleet)
    yield c
    c.close()


def test_each_commit_is_in_the_next_open(counter, mount):
    for _ in range(2000):
        n = counter.step()
        assert counter.check(mount.read(counter.FILE)) == n


def test_each_commit_is_in_the_next_stat(counter, mount):
    for _ in range(2000):
        counter.step()
        assert os.stat(mount.path / counter.FILE).st_size == len(mount.read(counter.FILE))


def test_one_profile_is_current_in_all_its_devices(counter, fleet, mount):
    yealinks = [f for f in os.listdir(mount.path) if f.startswith(("001565", "805ec0")) and f.endswith(".cfg")]
    before = {f: mount.read(f) for f in yealinks}
    with_profile = [f for f in yealinks if lib.Counter.PATTERN.search(before[f])]
    assert len(with_profile) >= 30
    n = counter.step()
    value = counter.value(n).encode()
    assert [f for f in yealinks if value in mount.read(f)] == with_profile


@pytest.mark.parametrize("command, value", [
    (("set", "site", "syslog.server=p1-site.example.net"), b"p1-site.example.net"),
    (("set", "model", "yealink-t46s", "syslog.server=p1-model.example.net"), b"p1-model.example.net"),
    (("set", "profile", "office", "syslog.server=p1-profile.example.net"), b"p1-profile.example.net"),
    (("set", "customer", "customer-00000", "syslog.server=p1-customer.example.net"), b"p1-customer.example.net"),
    (("set", "device", lib.Counter.MAC, "syslog.server=p1-device.example.net"), b"p1-device.example.net"),
    (("set", "account", "10001@customer-00000", "sip.server=p1-account.example.net"), b"p1-account.example.net"),
    (("set", "line", lib.Counter.MAC + "/1", "sip.server=p1-line.example.net"), b"p1-line.example.net"),
    (("apply", "-"), b"p1-applied.example.net"),
])
def test_commands(fleet, mount, command, value):
    """From the weakest scope to the strongest, so that each hides the one before."""
    fleet.provfs(*command, stdin=f"set device {lib.Counter.MAC} syslog.server=p1-applied.example.net\n")
    assert value in mount.read(lib.Counter.FILE)


def test_a_device_comes_and_goes(fleet, mount):
    with pytest.raises(FileNotFoundError):
        mount.read("001565777777.cfg")
    fleet.provfs("add", "device", "001565777777", "model=yealink-t46s", "profile=office")
    assert mount.read("001565777777.cfg") == fleet.render("001565777777")
    fleet.provfs("delete", "device", "001565777777", "--yes")
    with pytest.raises(FileNotFoundError):
        mount.read("001565777777.cfg")


def test_enabled(fleet, mount):
    fleet.provfs("set", "device", "805ec0000007", "enabled=no")
    with pytest.raises(FileNotFoundError):
        mount.read("805ec0000007.cfg")
    fleet.provfs("set", "device", "805ec0000007", "enabled=yes")
    assert mount.read("805ec0000007.cfg")


def test_rename_takes_the_file_along(fleet, mount):
    before = mount.read("0004f2000007.cfg")
    fleet.provfs("rename", "device", "0004f2000007", "0004f2aaaaaa")
    with pytest.raises(FileNotFoundError):
        mount.read("0004f2000007.cfg")
    assert mount.read("0004f2aaaaaa.cfg") and before


def test_many_readers_during_many_changes(counter, mount):
    """No reader, whenever it opens, sees less than was committed before, nor more than was begun."""
    committed = multiprocessing.Value("q", counter.n, lock=False)
    begun = multiprocessing.Value("q", counter.n, lock=False)

    def write(until):
        first = counter.n
        while time.monotonic() < until:
            begun.value = counter.n + 1
            committed.value = counter.step()
        return counter.n - first

    def read(until):
        reads = 0
        while time.monotonic() < until:
            low = committed.value
            n = counter.check(mount.read(counter.FILE))
            assert low <= n <= begun.value, f"read change {n}; {low} was committed"
            reads += 1
        return reads

    counter.close()
    did = lib.crowd(10, write=write, one=read, two=read, three=read)
    counter.n += did["write"]
    assert did["write"] > 500 and min(did[r] for r in ("one", "two", "three")) > 50, did  # enough of both to have met
