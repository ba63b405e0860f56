#!/usr/bin/env python3
"""Hot HTTP with check=commit, while the inventory takes 50 changes a second: against tmpfs; no error, and nothing stale at open."""
import http.client
import threading
import time

import bench

ROUNDS, SECONDS, RATE = 5, 4, 50
LATE_S = 0.02  # what check=commit allows


class Changes(threading.Thread):
    """A device's setting, 50 times a second; after each, when its bound is over, the file must have it."""

    def __init__(self, inv, server, name):
        super().__init__()
        self.inv, self.server, self.name = inv, server, name
        self.stop, self.n, self.stale = threading.Event(), 0, 0

    def run(self):
        writer = bench.e2e.FastWriter(self.inv)
        rows = writer.rows_of("c0000000.example.net")
        connection = http.client.HTTPConnection(self.server.address, self.server.port)
        due = time.monotonic()
        while not self.stop.is_set():
            self.n += 1
            value = f"c{self.n:07d}.example.net"
            writer.set(rows, value)
            time.sleep(LATE_S)
            connection.request("GET", f"/{self.name}")
            self.stale += value.encode() not in connection.getresponse().read()
            due += 1 / RATE
            time.sleep(max(0, due - time.monotonic()))
            rows = writer.rows_of(value)
        writer.set(rows, "c0000000.example.net")
        writer.close()


def main():
    inv = bench.fleet("changes", 2000)
    mount = bench.e2e.Mount(inv, "ro,allow_other,view=phones,check=commit")
    names = bench.names_of(mount, 2000)
    paths = bench.write_paths(inv.folder / "paths", names)
    copy = bench.Copy(mount, names, "changes")
    name = next(n for n in names if b"#!version" in mount.read(n)[:20])
    inv.provfs("set", "device", name[:12], "syslog.server=c0000000.example.net")
    ours, theirs = bench.e2e.Server("nginx", inv), bench.e2e.Server("nginx", copy)
    seen = {"changes": 0, "stale": 0}

    def changed():
        changes = Changes(inv, ours, name)
        changes.start()
        got = bench.wrk(ours, paths, SECONDS)
        changes.stop.set()
        changes.join()
        seen["changes"] += changes.n
        seen["stale"] += changes.stale
        return got

    bench.wrk(ours, paths, 2)
    medians, ratio = bench.alternate(ROUNDS, mount=changed, tmpfs=lambda: bench.wrk(theirs, paths, SECONDS))
    ours.stop()
    theirs.stop()
    mount.stop()
    bench.report("changes", question="hot HTTP, check=commit, at 50 changes/s, nginx: mount to tmpfs", requests_per_second=medians, **seen, value=ratio,
                 bar=0.8, better="higher")


if __name__ == "__main__":
    main()
