"""P4: the size is exact from the first lookup; the mtime is a whole second that moves only with the bytes, and forward."""
import os
import signal
import time

import pytest

import lib

COUNTED = lib.Counter.FILE


def facts(mount):
    """What an ETag may be made from, for each file."""
    return {e.name: (s.st_ino, s.st_size, s.st_mtime_ns) for e in os.scandir(mount.path) if (s := os.stat(e.path))}


def one(mount, name=COUNTED):
    s = os.stat(mount.path / name)
    return s.st_ino, s.st_size, s.st_mtime_ns


def test_size_is_exact_at_the_first_lookup(own_fleet, mounted):
    m = mounted(own_fleet)
    sizes = {name: size for name, (_, size, _) in facts(m).items()}
    assert len(sizes) >= 300 and sizes == {name: len(m.read(name)) for name in sizes}


def test_mtime_is_a_whole_second_of_now(own_fleet, mounted):
    """At most 2 s ahead at the first start, where no state says what an earlier one gave out."""
    m = mounted(own_fleet)
    stamps = [mtime for _, _, mtime in facts(m).values()]
    assert all(t % 1_000_000_000 == 0 for t in stamps)
    assert max(stamps) - time.time_ns() <= 2_000_000_000


def test_mode_and_link_count(mount):
    s = os.stat(mount.path / COUNTED)
    assert (s.st_mode & 0o7777, s.st_nlink) == (0o444, 1)


def test_every_change_of_equal_length_moves_the_mtime_forward(own_fleet, mounted):
    m, counter = mounted(own_fleet), lib.Counter(own_fleet, same_length=True)
    seen = [one(m)]
    for _ in range(200):
        counter.step()
        seen.append(one(m))
    assert len({size for _, size, _ in seen}) == 1
    assert all(later[2] > earlier[2] and later[2] % 1_000_000_000 == 0 for earlier, later in zip(seen, seen[1:]))
    assert len({ino for ino, _, _ in seen}) == len(seen)
    counter.close()


def test_what_changes_no_byte_changes_no_metadata(own_fleet, mounted):
    m = mounted(own_fleet)
    before = one(m)
    own_fleet.provfs("set", "device", lib.Counter.MAC, "note=by the window")
    own_fleet.provfs("set", "profile", "lobby", "sip.server=other.example.net")
    own_fleet.provfs("set", "device", lib.Counter.MAC, "sip.server=there.example.net")
    own_fleet.provfs("unset", "device", lib.Counter.MAC, "sip.server")
    time.sleep(1.1)  # so that a new mtime would differ
    assert one(m) == before


def test_a_return_to_older_bytes_is_a_new_version(own_fleet, mounted):
    m = mounted(own_fleet)
    own_fleet.provfs("set", "profile", "office", "sip.server=one.example.net")
    first, data = one(m), m.read(COUNTED)
    own_fleet.provfs("set", "profile", "office", "sip.server=two.example.net")
    second = one(m)
    own_fleet.provfs("set", "profile", "office", "sip.server=one.example.net")
    third = one(m)
    assert m.read(COUNTED) == data and third[2] > second[2] > first[2] and third[0] != first[0]


def test_a_clean_restart_changes_nothing(own_fleet, mounted):
    m = mounted(own_fleet)
    before = facts(m)
    m.close()
    time.sleep(1.1)
    assert facts(mounted(own_fleet)) == before


def test_a_change_while_unmounted_moves_forward(own_fleet, mounted):
    m, counter = mounted(own_fleet), lib.Counter(own_fleet, same_length=True)
    for _ in range(50):  # the mtime runs ahead of the clock
        counter.step()
        ahead = one(m)
    m.close()
    counter.step()
    after = one(mounted(own_fleet))
    assert after[2] > ahead[2] and after[0] != ahead[0]
    counter.close()


@pytest.mark.parametrize("wait_s", [0, 1.5])
def test_a_change_around_a_crash_moves_forward(own_fleet, mounted, wait_s):
    """Killed, at once or after what was published is on the disk: no later version may look older."""
    m, counter = mounted(own_fleet), lib.Counter(own_fleet, same_length=True)
    for _ in range(50):
        counter.step()
        ahead = one(m)
    time.sleep(wait_s)
    m.p.send_signal(signal.SIGKILL)
    m.p.wait()
    lib.unmount(m.path)
    counter.step()
    after = one(mounted(own_fleet))
    assert after[2] > ahead[2] and after[0] != ahead[0]
    counter.close()


def test_etags_survive_a_restart(own_fleet, mounted):
    m = mounted(own_fleet)
    servers = [lib.Server(n, own_fleet) for n in ("lighttpd", "nginx")]
    try:
        before = [lib.curl(s.url(COUNTED)).headers["etag"] for s in servers]
        m.close()
        mounted(own_fleet)
        assert [lib.curl(s.url(COUNTED), If_None_Match=e).status for s, e in zip(servers, before)] == [304, 304]
    finally:
        for s in servers:
            s.stop()


def test_find_newer(own_fleet, mounted, tmp_path):
    """What backup tools and rsync look at: only what changed is newer."""
    m = mounted(own_fleet)
    newest = max(mtime for _, _, mtime in facts(m).values())
    lib.wait_for("the clock to pass the newest file", lambda: time.time_ns() > newest + 100_000_000)
    (tmp_path / "stamp").touch()
    time.sleep(1.1)
    own_fleet.provfs("set", "device", lib.Counter.MAC, "sip.server=newer.example.net")
    stamp = (tmp_path / "stamp").stat().st_mtime_ns
    assert [name for name, (_, _, mtime) in facts(m).items() if mtime > stamp] == [COUNTED]
