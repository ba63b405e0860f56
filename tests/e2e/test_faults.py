"""What goes wrong around the daemon: killed, ended under load, templates edited under readers, its state damaged."""
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

import lib

MAC = "001565000007"
NAME = f"{MAC}.cfg"


class Load:
    """Threads that read files until the block ends; what they came across that they may not."""

    def __init__(self, path, check, n=4):
        self.path, self.check, self.stop, self.wrong, self.reads = path, check, False, [], 0
        self.threads = [threading.Thread(target=self.body, args=(i,)) for i in range(n)]

    def body(self, i):
        names = [f"001565{j:06x}.cfg" for j in range(7 + i, 207, 4)] + [NAME]
        while not self.stop:
            for name in names:
                try:
                    with open(self.path / name, "rb") as f:
                        size = os.fstat(f.fileno()).st_size
                        data = f.read()
                    if size != len(data):
                        self.wrong.append(f"{name}: {size} and {len(data)}")
                    self.reads += 1
                except FileNotFoundError:
                    pass  # not every number is a device
                except OSError as e:
                    if not self.check(e) and not self.stop:
                        self.wrong.append(f"{name}: {e}")

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stop = True
        for t in self.threads:
            t.join(30)
        assert not self.wrong, self.wrong[:5]
        assert self.reads > 0


def test_killed_and_mounted_again(own_fleet, mounted):
    """The dead mount is cleared, and no time goes back that was ever shown, with changes faster than seconds."""
    newest = {}
    names = [NAME, "00156500000e.cfg"]
    for life in range(3):
        m = mounted(own_fleet)
        for n in range(4):
            own_fleet.provfs("set", "profile", "office", f"sip.server=s{life}-{n}.example.net")
            for name in names:
                st = os.stat(m.path / name)
                assert st.st_mtime > newest.get(name, 0), f"{name} went back after kill -9"
                newest[name] = st.st_mtime
        m.kill()
    m = mounted(own_fleet)
    for name in names:
        assert os.stat(m.path / name).st_mtime >= newest[name]


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_ended_under_load(own_fleet, mounted, sig):
    m = mounted(own_fleet)
    with Load(m.path, lambda e: True):
        time.sleep(1)
        began = time.monotonic()
        m.p.send_signal(sig)
        status = m.p.wait(10)
        assert time.monotonic() - began < 5
        lib.unmount(m.path)
    assert status == (0 if sig == signal.SIGTERM else -sig)
    assert not m.suspicious()


def test_ended_while_names_are_dropped(own_fleet, mounted):
    """More names than may be known, so that the thread that notifies is at work when the end comes."""
    for _ in range(5):
        m = mounted(own_fleet, lib.Mount.OPTIONS + ",names=20")
        with Load(m.path, lambda e: True, n=8):
            time.sleep(0.7)
            m.p.send_signal(signal.SIGTERM)
            assert m.p.wait(10) == 0
            lib.unmount(m.path)
        assert not m.suspicious()


def test_few_names_and_little_memory(own_fleet, mounted):
    m = mounted(own_fleet, lib.Mount.OPTIONS + ",names=20,cache_mb=1")
    with Load(m.path, lambda e: False):
        for n in range(20):
            own_fleet.provfs("set", "profile", "office", f"sip.server=s{n}.example.net")
            assert f"s{n}.example.net".encode() in m.read(NAME)


def test_templates_edited_under_load(own_fleet, mounted):
    """By rename, in place and badly: readers see whole files at all times, and the last edit is in service within a second or so."""
    m = mounted(own_fleet)
    m.expect("template")
    shipped = (lib.ROOT / "templates/yealink/yealink.xml").read_text()
    folder = own_fleet.templates / "yealink"
    folder.mkdir()
    target = folder / "yealink.xml"

    def version(n):
        return shipped.replace("</template>", f"<!-- {n} --></template>").replace("#!version:1.0.0.1", f"#!version:1.0.0.1\n## edit {n}")

    assert version(1) != version(2)
    with Load(m.path, lambda e: False):
        for n in range(6):
            if n % 3 == 0:
                draft = folder / "draft"
                draft.write_text(version(n))
                draft.rename(target)
            elif n % 3 == 1:
                target.write_text(version(n))
            else:
                target.write_text(version(n)[:len(shipped) // 2])
            time.sleep(0.5)
        target.unlink()
        time.sleep(1.5)
    assert m.read(NAME) == own_fleet.render(MAC)


def test_an_old_version_is_read_whole_after_many_changes(own_fleet, mounted):
    """Opened, not read, and the cache full of others since: its bytes are made again."""
    m = mounted(own_fleet, lib.Mount.OPTIONS + ",cache_mb=1")
    before = m.read(NAME)
    own_fleet.provfs("set", "device", MAC, "sip.server=old.example.net")
    fd = os.open(m.path / NAME, os.O_RDONLY)
    size = os.fstat(fd).st_size
    expected = own_fleet.render(MAC)
    counter = lib.Counter(own_fleet)
    for _ in range(200):
        counter.step()
        m.read(NAME)
    counter.close()
    for name in os.listdir(m.path):
        m.read(name)
    Path("/proc/sys/vm/drop_caches").write_text("1")
    data = os.pread(fd, size + 1, 0)
    os.close(fd)
    assert data == expected and len(data) == size and data != before


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 3000, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_state(own_fleet, mounted, garbage):
    m = mounted(own_fleet)
    shown = os.stat(m.path / NAME).st_mtime
    m.close()
    for suffix in ("-wal", "-shm"):
        Path(f"{own_fleet.db}.state{suffix}").unlink(missing_ok=True)
    Path(f"{own_fleet.db}.state").write_bytes(garbage)
    m = mounted(own_fleet)
    m.expect("state")
    assert m.read(NAME) == own_fleet.render(MAC)
    assert os.stat(m.path / NAME).st_mtime >= shown


def test_the_state_damaged_while_in_use(own_fleet, mounted):
    m = mounted(own_fleet)
    m.expect("state")
    m.read(NAME)
    with open(f"{own_fleet.db}.state", "r+b") as f:
        f.write(b"garbage " * 512)
    for n in range(5):
        own_fleet.provfs("set", "device", MAC, f"sip.server=s{n}.example.net")
        assert f"s{n}.example.net".encode() in m.read(NAME)


def test_more_assets_than_open_files(own_fleet, mounted):
    """The kernel's hold on names must not use up what the inventory needs to be opened."""
    for n in range(3000):
        (own_fleet.assets / f"asset-{n}.bin").write_text(str(n))
    own_fleet.provfs("set", "device", MAC, "sip.server=before.example.net")
    script = 'ulimit -n 1024; exec "$0" "$@"'
    argv = ["sh", "-c", script, lib.PROVFS, "mount", "-f", "-o", lib.Mount.OPTIONS, str(own_fleet.db), str(own_fleet.phones)]
    log = own_fleet.folder / "mount.log"
    p = lib.Process(argv, log, own_fleet.env)
    try:
        lib.wait_for("the mount", lambda: p.alive() and lib.is_mounted(own_fleet.phones))
        failed = 0
        for n in range(3000):
            try:
                assert (own_fleet.phones / f"asset-{n}.bin").read_text() == str(n)
            except OSError:
                failed += 1
        assert failed < 300
        own_fleet.provfs("set", "device", MAC, "sip.server=after.example.net")
        assert b"after.example.net" in (own_fleet.phones / NAME).read_bytes()
    finally:
        p.stop()
        lib.unmount(own_fleet.phones)


def test_a_crash_leaves_no_lock(own_fleet, mounted):
    m = mounted(own_fleet)
    m.read(NAME)
    m.kill()
    lib.unmount(m.path)
    own_fleet.provfs("set", "device", MAC, "sip.server=alive.example.net")
    assert b"alive.example.net" in mounted(own_fleet).read(NAME)
    assert subprocess.run(["ls", "-la", own_fleet.folder], capture_output=True, check=True)
