#!/usr/bin/env python3
"""check=commit: from the commit of another process to new bytes through nginx, with 100,000 names cached."""
import http.client
import time

import bench

DEVICES, CHANGES = 100000, 500
BAR = {"p50": 3.0, "p99": 20.0}


def get(connection, name):
    connection.request("GET", f"/{name}")
    return connection.getresponse().read()


def main():
    inv = bench.fleet("latency", DEVICES, "--models", "yealink-t19p-e2,linphone")
    mount = bench.e2e.Mount(inv, "ro,allow_other,view=phones,check=commit")
    names = bench.names_of(mount)
    for n in names:
        mount.read(n)
    server = bench.e2e.Server("nginx", inv)
    name = next(n for n in names if b"#!version" in mount.read(n)[:20])
    inv.provfs("set", "device", name[:12], "syslog.server=c0000000.example.net")
    writer = bench.e2e.FastWriter(inv)
    rows = writer.rows_of("c0000000.example.net")
    connection = http.client.HTTPConnection(server.address, server.port)
    late = []
    for i in range(1, CHANGES + 1):
        value = f"c{i:07d}.example.net"
        writer.set(rows, value)
        start = time.monotonic()
        while value.encode() not in get(connection, name):
            assert time.monotonic() - start < 5
        late.append((time.monotonic() - start) * 1000)
    writer.close()
    server.stop()
    mount.stop()
    late.sort()
    p50, p99 = late[len(late) // 2], late[len(late) * 99 // 100]
    for key, value in (("p50", p50), ("p99", p99)):
        bench.report(f"commit_latency_{key}", question=f"commit to new bytes through nginx, check=commit, 100,000 names cached: {key}, ms",
                     value=round(value, 2), bar=BAR[key], better="lower")


if __name__ == "__main__":
    main()
