"""errors, unknown, status, log and events: what is told about the mount."""
import json
import os
import select
import subprocess
import time

import pytest

import control
import lib
from control import MAC, MASK, SECRET

SERVER = "profiles/office/settings/sip.server"


@pytest.fixture
def everything(tree_of):
    """A mount with phones and control tree."""
    return tree_of(control.admin_options("all"))


class Events:
    """An open events file, read as lines come."""

    def __init__(self, tree):
        self.fd = os.open(tree / "events", os.O_RDONLY | os.O_NONBLOCK)
        self.poll = select.poll()
        self.poll.register(self.fd, select.POLLIN)
        self.rest = b""

    def lines(self, seconds):
        """Those that come within the time."""
        end, found = time.monotonic() + seconds, []
        while (left := end - time.monotonic()) > 0:
            if not self.poll.poll(left * 1000):
                break
            try:
                self.rest += os.read(self.fd, 65536)
            except BlockingIOError:
                continue
            *whole, self.rest = self.rest.split(b"\n")
            found += [json.loads(x) for x in whole]
        return found

    def wait(self, condition, seconds=5):
        seen, end = [], time.monotonic() + seconds
        while time.monotonic() < end:
            seen += self.lines(0.1)
            if any(condition(x) for x in seen):
                return seen
        raise AssertionError(f"no such event: {seen}")

    def close(self):
        os.close(self.fd)


@pytest.fixture
def events(everything):
    e = Events(everything)
    yield e
    e.close()


def test_an_event_for_each_change(everything, events):
    everything.put(SERVER, "ev.example.net")
    seen = events.wait(lambda x: x.get("key") == "sip.server")
    event = next(x for x in seen if x.get("key") == "sip.server")
    assert event["kind"] == "profile" and event["object"] == "office" and event["gen"] == everything.inv.gen()
    assert "ev.example.net" not in json.dumps(seen)


def test_changes_by_any_way(everything, events):
    everything.inv.provfs("add", "customer", "globex")
    everything.done("add customer initech\n")
    os.mkdir(everything / "customers/hooli")
    seen = events.wait(lambda x: x.get("object") == "hooli")
    assert [x["object"] for x in seen if x.get("kind") == "customer"] == ["globex", "initech", "hooli"]


def test_no_event_where_nothing_changed(everything, events):
    everything.put(SERVER, "sip1.example.net")
    assert everything.write(SERVER, "a b") == "EINVAL"
    assert events.lines(1) == []


def test_a_new_version_is_told(everything, events):
    everything.mount.read(f"{MAC}.cfg")
    everything.put(SERVER, "ev.example.net")
    everything.mount.read(f"{MAC}.cfg")
    events.wait(lambda x: f"{MAC}.cfg" in json.dumps(x))


def test_cat_for_ever(everything):
    with subprocess.Popen(["cat", str(everything / "events")], stdout=subprocess.PIPE) as p:
        time.sleep(0.5)
        for n in range(3):
            everything.put(SERVER, f"cat{n}.example.net")
            assert json.loads(p.stdout.readline())["key"] == "sip.server"
        p.terminate()
        assert p.wait(10) != 0


def test_a_waiting_reader_does_not_stop_the_end(everything):
    """The mount ends though somebody reads."""
    with subprocess.Popen(["cat", str(everything / "events")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as p:
        time.sleep(0.5)
        start = time.monotonic()
        everything.mount.stop()
        assert time.monotonic() - start < 15
        p.kill()


def test_many_waiting_readers(everything):
    """More of them than the mount has threads: it still answers."""
    readers = [subprocess.Popen(["cat", str(everything / "events")], stdout=subprocess.PIPE) for _ in range(40)]
    try:
        time.sleep(1)
        start = time.monotonic()
        everything.put(SERVER, "many.example.net")
        assert everything.read(SERVER) == "many.example.net\n" and b"many" in everything.mount.read(f"{MAC}.cfg")
        assert time.monotonic() - start < 2.5
        for p in readers:
            assert json.loads(p.stdout.readline())["key"] == "sip.server"
    finally:
        for p in readers:
            p.kill()
            p.wait(10)


def test_a_slow_reader_is_told_what_it_missed(everything, events, tmp_path):
    (tmp_path / "fleet.csv").write_text("mac,note\n" + "".join(f"001565{n:06x},n{n}\n" for n in range(40000)))
    everything.shell("cp $F import", F=str(tmp_path / "fleet.csv"))
    everything.put(SERVER, "last.example.net")
    time.sleep(6)  # the mount follows by itself; only this reader is late
    seen = events.wait(lambda x: x.get("key") == "sip.server", 30)
    missed = sum(x.get("missed", 0) for x in seen)
    told = [x for x in seen if "gen" in x]
    assert missed > 0 and missed + len(told) >= 80001, (missed, len(told))


def test_events_show_no_secret(everything, events):
    everything.put("accounts/1001@acme/settings/sip.password", "n3w-" + SECRET)
    seen = events.wait(lambda x: x.get("key") == "sip.password")
    assert SECRET not in json.dumps(seen)
    assert SECRET not in everything.read("log") and MASK in everything.read("accounts/1001@acme/settings/sip.password")


def test_what_is_wrong(everything):
    assert "001565aabbdd" in everything.read("errors") and "no model" in everything.read("errors")
    os.rmdir(everything / "devices/001565aabbdd")
    assert everything.read("errors") == ""


def test_a_broken_template_is_an_error(everything):
    folder = everything.inv.templates / "yealink"
    folder.mkdir()
    (folder / "yealink.xml").write_text("<template>\n<broken\n")
    everything.mount.expect("yealink.xml")
    lib.wait_for("the error", lambda: "yealink.xml" in everything.read("errors"))
    assert b"sip1.example.net" in everything.mount.read(f"{MAC}.cfg")
    (folder / "yealink.xml").unlink()
    lib.wait_for("no error", lambda: "yealink.xml" not in everything.read("errors"))


def test_unknown_names(everything):
    for _ in range(3):
        assert not (everything.mount.path / "001565ffff01.cfg").exists()
    assert not (everything.mount.path / "favicon.ico").exists()
    lines = everything.read("unknown").splitlines()
    assert len(lines) == 1 and "001565ffff01" in lines[0] and "\t3\t" in lines[0]
    everything.done("add device 001565ffff01 model=yealink-t46s\n")
    assert everything.read("unknown") == ""


def test_unknown_is_bounded(everything):
    for n in range(20000):
        os.path.exists(everything.mount.path / f"001565{n + 0x100000:06x}.cfg")
    assert 0 < len(everything.read("unknown").splitlines()) <= 10000


def test_status(everything):
    def counts():
        return dict(line.split(" ", 1) for line in everything.read("status").splitlines())

    before = counts()
    assert before["devices"] == "2" and before["accounts"] == "2" and before["gen"] == str(everything.inv.gen())
    everything.mount.read(f"{MAC}.cfg")
    os.mkdir(everything / "customers/globex")
    after = counts()
    assert int(after["customers"]) == int(before["customers"]) + 1 and int(after["lookups"]) > int(before["lookups"])
