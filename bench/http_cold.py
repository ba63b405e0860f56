#!/usr/bin/env python3
"""HTTP, cold: each of 100,000 files once, in an order of chance, by nginx: a boot storm. The mount against the same bytes in
tmpfs; and the requests that the kernel sends to the daemon for a file."""
import collections
import re
import struct
import subprocess

import bench

DEVICES, CONNECTIONS = 100000, 16
OPCODES = {1: "LOOKUP", 3: "GETATTR", 14: "OPEN", 15: "READ", 18: "RELEASE", 25: "FLUSH", 2: "FORGET", 42: "BATCH_FORGET"}


def fetch_all(server, names):
    """Seconds for all of them: a client process a connection, each with its part of the names."""
    out = subprocess.run([bench.ROOT / "bench/fetch.py", server.address, str(server.port), str(CONNECTIONS)], input="\n".join(names),
                         capture_output=True, text=True, check=True).stdout
    return float(out)


def requests_of(mount, server, names):
    """Requests a file, by kind, as strace sees the daemon read them."""
    log = mount.inventory.folder / "strace"
    tracer = subprocess.Popen(["strace", "-f", "-xx", "-s", "8", "-e", "trace=read", "-o", log, "-p", str(mount.p.pid)],
                              stderr=subprocess.DEVNULL)
    bench.e2e.wait_for("strace", lambda: "TracerPid:\t0" not in open(f"/proc/{mount.p.pid}/status", encoding="ascii").read())
    fetch_all(server, names)
    tracer.terminate()
    tracer.wait()
    counts = collections.Counter()
    for line in open(log, encoding="ascii", errors="replace"):
        m = re.search(r'read(?:\(\d+, | resumed>)"((?:\\x[0-9a-f]{2}){8})', line)
        if m:
            opcode = struct.unpack("<I", bytes.fromhex(m[1].replace("\\x", ""))[4:])[0]
            counts[OPCODES.get(opcode, str(opcode))] += 1
    return {k: round(v / len(names), 2) for k, v in counts.most_common()}


def main():
    inv = bench.fleet("cold", DEVICES, "--models", "yealink-t19p-e2,linphone")
    mount = bench.e2e.Mount(inv, "ro,allow_other,view=phones,check=commit")
    names = bench.names_of(mount, DEVICES)
    copy = bench.Copy(mount, names, "cold")
    mount.stop()
    seconds = {"mount": [], "tmpfs": []}
    for _ in range(3):
        mount = bench.e2e.Mount(inv, "ro,allow_other,view=phones,check=commit")
        for side, where in (("mount", inv), ("tmpfs", copy)):
            server = bench.e2e.Server("nginx", where)
            seconds[side].append(fetch_all(server, names))
            server.stop()
        mount.stop()
    mount = bench.e2e.Mount(inv, "ro,allow_other,view=phones,check=commit")
    server = bench.e2e.Server("nginx", inv)
    requests = requests_of(mount, server, names[:2000])
    server.stop()
    mount.stop()
    ratio = sorted(t / m for m, t in zip(seconds["mount"], seconds["tmpfs"]))[1]
    bench.report("http_cold", question="HTTP, cold: each file once, nginx: mount to tmpfs", files=len(names), seconds=seconds,
                 requests_a_file=requests, value=round(ratio, 3), bar=0.14, better="higher")


if __name__ == "__main__":
    main()
