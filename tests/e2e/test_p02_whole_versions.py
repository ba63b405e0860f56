"""P2: what an open file yields is one version that existed, however slow the reader and however often it changes."""
import http.client
import mmap
import os
import time

import pytest

import lib

SECONDS = 20
RATE = 500  # changes a second, at least
PACE = 700  # what the writer aims at, so that readers get the rest of the machine


@pytest.fixture
def counter(fleet, mount):
    c = lib.Counter(fleet)
    yield c
    c.close()


def test_no_torn_file_at_500_changes_a_second(counter, mount, nginx, lighttpd, tftpd):
    path = mount.path / counter.FILE

    def write(until):
        start, first = time.monotonic(), counter.n
        while (now := time.monotonic()) < until:
            counter.step()
            ahead = (counter.n - first) / PACE - (now - start)
            if ahead > 0:
                time.sleep(ahead)
        return (counter.n - first) / (time.monotonic() - start)

    def read_in_pieces(until):
        """Opens, looks at the size, reads slowly; the file changes dozens of times meanwhile."""
        count = 0
        while time.monotonic() < until:
            with open(path, "rb", buffering=0) as f:
                size, data = os.fstat(f.fileno()).st_size, b""
                while piece := f.read(997):
                    data += piece
                    time.sleep(0.001)
                assert size == os.fstat(f.fileno()).st_size == len(data)
            counter.check(data)
            count += 1
        return count

    def read_at_once(until):
        count = 0
        while time.monotonic() < until:
            counter.check(mount.read(counter.FILE))
            count += 1
        return count

    def send(until):
        count = 0
        while time.monotonic() < until:
            size, data = lib.sendfile_all(path)
            assert size == len(data)
            counter.check(data)
            count += 1
        return count

    def fetch_from(server):
        def fetch(until):
            count, connection = 0, http.client.HTTPConnection(server.address, server.port, timeout=10)
            while time.monotonic() < until:
                connection.request("GET", f"/{counter.FILE}")
                reply = connection.getresponse()
                assert reply.status == 200
                counter.check(reply.read())
                count += 1
            return count

        return fetch

    def slow_phone(until):
        count = 0
        while time.monotonic() < until:
            tsize, data = lib.slow_tftp(tftpd.address, tftpd.port, counter.FILE, pause_s=0.003)
            assert tsize == len(data)
            counter.check(data)
            count += 1
        return count

    counter.close()
    did = lib.crowd(SECONDS, write=write, pieces=read_in_pieces, whole=read_at_once, sendfile=send, nginx=fetch_from(nginx),
                    lighttpd=fetch_from(lighttpd), phone=slow_phone, phone2=slow_phone)
    print(did)
    assert did.pop("write") >= RATE, f"only {did} changes a second: the test shows nothing"
    assert min(did.values()) >= 10, did


@pytest.fixture(params=["ro,allow_other,view=phones", "allow_other"])
def any_mount(request, own_fleet, mounted):
    return mounted(own_fleet, request.param)


def test_an_old_descriptor_keeps_its_version(own_fleet, any_mount):
    counter = lib.Counter(own_fleet)
    with open(any_mount.path / counter.FILE, "rb", buffering=0) as f:
        first = f.read(100)
        for _ in range(3000):
            counter.step()
            any_mount.read(counter.FILE)
        os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        data = first + f.read()
        assert counter.check(data) == 0 and os.fstat(f.fileno()).st_size == len(data)
        with mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
            assert counter.check(m[:]) == 0
    counter.close()
