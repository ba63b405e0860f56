"""check=commit: the kernel keeps names, and a commit drops those that it touches within a moment."""
import os
import signal
import statistics
import threading
import time

import pytest

import lib

OPTIONS = "ro,allow_other,view=phones,check=commit"
BOUND_S = 0.02  # what the manual says of a machine that is not busy; single ones may be late
LATEST_S = 2.0  # nothing ever


@pytest.fixture(scope="module")
def mount(fleet):
    m = lib.Mount(fleet, OPTIONS)
    yield m
    m.close()


@pytest.fixture
def counter(fleet, mount):
    c = lib.Counter(fleet)
    yield c
    c.close()


def wait_until(condition, what):
    """Seconds until it holds."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < LATEST_S, f"{what}: not within {LATEST_S} s"
    return time.monotonic() - start


def shows(mount, value, name=lib.Counter.FILE):
    return wait_until(lambda: value in mount.read(name), value)


def absent(mount, name):
    return not os.path.exists(mount.path / name)


def read_plainly(path):
    """As servers do: Python's own files ask whether they are terminals, which every filesystem has to answer."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 1 << 20)
    finally:
        os.close(fd)


def test_names_are_kept(mount):
    """What was looked up once is read while the daemon cannot answer."""
    path = mount.path / lib.Counter.FILE
    expected = read_plainly(path)
    read_plainly(path)
    os.kill(mount.p.pid, signal.SIGSTOP)
    watchdog = threading.Timer(10, os.kill, (mount.p.pid, signal.SIGCONT))
    watchdog.start()
    try:
        start = time.monotonic()
        assert read_plainly(path) == expected
        assert time.monotonic() - start < 10, "the daemon was asked"
    finally:
        watchdog.cancel()
        os.kill(mount.p.pid, signal.SIGCONT)


def test_spellings_and_misses_are_not_kept(mount, fleet):
    odd = "00-15-65-00-00-07.CFG"
    assert mount.read(odd) == mount.read(lib.Counter.FILE)
    assert absent(mount, "001565777770.cfg")
    fleet.provfs("add", "device", "001565777770", "model=yealink-t46s", "profile=office")
    assert mount.read("001565777770.cfg") == fleet.render("001565777770")
    fleet.provfs("set", "device", lib.Counter.MAC, "syslog.server=odd.example.net")
    assert b"odd.example.net" in mount.read(odd)


@pytest.mark.parametrize("command, value", [
    (("set", "site", "syslog.server=cc-site.example.net"), b"cc-site.example.net"),
    (("set", "model", "yealink-t46s", "syslog.server=cc-model.example.net"), b"cc-model.example.net"),
    (("set", "profile", "office", "syslog.server=cc-profile.example.net"), b"cc-profile.example.net"),
    (("set", "customer", "customer-00000", "syslog.server=cc-customer.example.net"), b"cc-customer.example.net"),
    (("set", "device", lib.Counter.MAC, "syslog.server=cc-device.example.net"), b"cc-device.example.net"),
    (("set", "account", "10001@customer-00000", "sip.server=cc-account.example.net"), b"cc-account.example.net"),
    (("set", "line", lib.Counter.MAC + "/1", "sip.server=cc-line.example.net"), b"cc-line.example.net"),
    (("apply", "-"), b"cc-applied.example.net"),
])
def test_commands(fleet, mount, command, value):
    fleet.provfs("unset", "device", lib.Counter.MAC, "syslog.server")
    mount.read(lib.Counter.FILE)
    fleet.provfs(*command, stdin=f"set device {lib.Counter.MAC} syslog.server=cc-applied.example.net\n")
    shows(mount, value)


def test_a_device_is_turned_off_renamed_and_deleted(fleet, mount):
    fleet.provfs("add", "device", "001565777771", "model=yealink-t46s", "profile=office")
    assert mount.read("001565777771.cfg")
    fleet.provfs("set", "device", "001565777771", "enabled=no")
    wait_until(lambda: absent(mount, "001565777771.cfg"), "turned off")
    fleet.provfs("set", "device", "001565777771", "enabled=yes")
    assert mount.read("001565777771.cfg")
    fleet.provfs("rename", "device", "001565777771", "001565777772")
    wait_until(lambda: absent(mount, "001565777771.cfg"), "renamed")
    assert mount.read("001565777772.cfg")
    fleet.provfs("delete", "device", "001565777772", "--yes")
    wait_until(lambda: absent(mount, "001565777772.cfg"), "deleted")


def test_another_model_has_other_names(fleet, mount):
    fleet.provfs("add", "device", "001565777773", "model=yealink-t46s", "profile=office")
    assert mount.read("001565777773.cfg").startswith(b"#!version")
    fleet.provfs("set", "device", "001565777773", "model=linphone")
    wait_until(lambda: mount.read("001565777773.cfg").startswith(b"<?xml"), "another model")


def test_a_scheduled_value_comes(fleet, mount):
    mount.read(lib.Counter.FILE)
    at = int(time.time()) + 2
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    fleet.provfs("set", "device", lib.Counter.MAC, "--from", stamp, "syslog.server=cc-scheduled.example.net")
    assert b"cc-scheduled" not in mount.read(lib.Counter.FILE)
    lib.wait_for("its second", lambda: time.time() >= at)
    shows(mount, b"cc-scheduled.example.net")


def test_a_template_changes(fleet, mount):
    fleet.provfs("add", "device", "001565777774", "model=yealink-t46s", "profile=office")
    mount.read("001565777774.cfg")
    shipped = (lib.ROOT / "templates/yealink/yealink.xml").read_text(encoding="utf-8")
    folder = fleet.templates / "yealink"
    folder.mkdir()
    (folder / "new").write_text(shipped.replace("#!version:1.0.0.1", "#!version:1.0.0.1\n# ours", 1), encoding="utf-8")
    (folder / "new").rename(folder / "yealink.xml")
    shows(mount, b"# ours", "001565777774.cfg")
    (folder / "yealink.xml").unlink()
    wait_until(lambda: b"# ours" not in mount.read("001565777774.cfg"), "the shipped template again")


def test_a_writer_that_rings_no_bell(fleet, mount):
    """As one that was killed between COMMIT and close: the look behind the doorbell finds it."""
    counter = lib.Counter(fleet)
    mount.read(counter.FILE)
    counter.writer.lock_path = str(fleet.folder / "another.lock")
    n = counter.step()
    wait_until(lambda: counter.check(mount.read(counter.FILE)) >= n, "the change")
    counter.writer.lock_path = str(fleet.db) + ".lock"
    counter.close()


def test_each_commit_within_its_bound(counter, mount):
    late = []
    for _ in range(1000):
        mount.read(counter.FILE)
        n = counter.step()
        late.append(wait_until(lambda n=n: counter.check(mount.read(counter.FILE)) >= n, "the change"))
    assert statistics.median(late) < BOUND_S


def test_many_changes_while_many_read(fleet, mount, nginx):
    """Changes of one file as fast as they go for 30 s: whole versions, never older than its bound."""
    counter = lib.Counter(fleet)
    end, n, behind = time.monotonic() + 30, 0, []
    pending = {}
    while time.monotonic() < end:
        n = counter.step()
        pending[n] = time.monotonic()
        if n % 4 == 0:
            seen = counter.check(mount.read(counter.FILE))
            behind.append(max((time.monotonic() - t for k, t in pending.items() if k > seen), default=0.0))
            pending = {k: t for k, t in pending.items() if k > seen}
        if n % 64 == 0:
            counter.check(lib.fetch(nginx, counter.FILE))
    counter.close()
    assert n > 3000
    assert statistics.median(behind) < BOUND_S and max(behind) < LATEST_S
