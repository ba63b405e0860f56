#!/usr/bin/env python3
"""One file that changes 2,000 times a second for 30 s, read at once, in pieces and by nginx, in both modes. Strict: no open may
be older than a commit that had returned before it. check=commit: how late the change is seen. No error, no torn read."""
import http.client
import multiprocessing
import os
import statistics
import time

import bench

SECONDS, RATE, RING = 30, 2000, 1 << 16
BOUND_MS = 20.0


class Storm:
    """Shared by the processes: how many changes were committed, and when each was."""

    def __init__(self, inv, mount, server):
        self.counter, self.mount, self.server = bench.e2e.Counter(inv), mount, server
        self.counter.close()
        self.committed = multiprocessing.Value("q", 0, lock=False)
        self.times = multiprocessing.Array("d", RING, lock=False)

    def write(self, until):
        start = time.monotonic()
        while (now := time.monotonic()) < until:
            n = self.counter.step()
            self.times[n % RING] = time.monotonic()
            self.committed.value = n
            ahead = n / RATE - (now - start)
            if ahead > 0:
                time.sleep(ahead)
        rate = self.counter.n / (time.monotonic() - start)
        self.counter.close()
        return rate

    def late_ms(self, before, at, seen):
        """How long before an open at `at` the first change that it does not show had been committed; 0: it shows all."""
        return (at - self.times[(seen + 1) % RING]) * 1000 if seen < before else 0.0

    def watch(self, fetch, until):
        late = []
        while time.monotonic() < until:
            before, at = self.committed.value, time.monotonic()
            late.append(self.late_ms(before, at, self.counter.check(fetch())))
        return late

    def at_once(self, until):
        return self.watch(lambda: self.mount.read(self.counter.FILE), until)

    def in_pieces(self, until):
        def fetch():
            with open(self.mount.path / self.counter.FILE, "rb", buffering=0) as f:
                size, data = os.fstat(f.fileno()).st_size, b""
                while piece := f.read(997):
                    data += piece
                    time.sleep(0.001)
                assert size == os.fstat(f.fileno()).st_size == len(data)
            return data
        return self.watch(fetch, until)

    def by_nginx(self, until):
        connection = http.client.HTTPConnection(self.server.address, self.server.port, timeout=10)

        def fetch():
            connection.request("GET", f"/{self.counter.FILE}")
            reply = connection.getresponse()
            assert reply.status == 200
            return reply.read()
        return self.watch(fetch, until)


def run(check):
    inv = bench.fleet("storm", 100, "--models", "yealink-t46s")
    mount = bench.e2e.Mount(inv, f"ro,allow_other,view=phones,check={check}")
    server = bench.e2e.Server("nginx", inv)
    storm = Storm(inv, mount, server)
    did = bench.e2e.crowd(SECONDS, write=storm.write, once=storm.at_once, pieces=storm.in_pieces, nginx=storm.by_nginx)
    server.stop()
    mount.stop()
    return round(did.pop("write")), sum(did.values(), [])


def main():
    rate, late = run("strict")
    stale = sum(ms > 0 for ms in late)
    bench.report("storm_strict", question=f"one file at {RATE} changes/s for {SECONDS} s, strict: stale opens", changes_per_second=rate,
                 opens=len(late), value=stale, bar=0, better="lower")
    rate, late = run("commit")
    late.sort()
    bench.report("storm_commit", question="the same, check=commit: change seen after, median of the late ones, ms", changes_per_second=rate, opens=len(late),
                 late=sum(ms > 0 for ms in late), p99_ms=round(late[len(late) * 99 // 100], 2), max_ms=round(late[-1], 1),
                 value=round(statistics.median([ms for ms in late if ms > 0] or [0.0]), 2), bar=BOUND_MS, better="lower")


if __name__ == "__main__":
    main()
