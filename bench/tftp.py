#!/usr/bin/env python3
"""TFTP: tftpd-hpa on the mount against tftpd-hpa on the same bytes in tmpfs, 8 clients in parallel."""
import multiprocessing
import random
import socket
import time

import bench

CLIENTS, SECONDS, ROUNDS = 8, 4, 5


def get(address, name):
    """A file, in blocks of 512 bytes: what a phone does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(b"\0\1" + name.encode() + b"\0octet\0", address)
        n = 512
        while n == 512:
            data, peer = s.recvfrom(1024)
            assert data[1] == 3, data
            s.sendto(b"\0\4" + data[2:4], peer)
            n = len(data) - 4


def client(args):
    address, names, seed = args
    rnd, end, n = random.Random(seed), time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        get(address, rnd.choice(names))
        n += 1
    return n


def rate(pool, server, names):
    return sum(pool.map(client, [((server.address, server.port), names, i) for i in range(CLIENTS)])) / SECONDS


def main():
    inv = bench.fleet("tftp", 500, "--models", "yealink-t19p-e2,linphone")
    mount = bench.e2e.Mount(inv)
    names = bench.names_of(mount)
    copy = bench.Copy(mount, names, "tftp")
    ours, theirs = bench.e2e.Server("tftpd", inv), bench.e2e.Server("tftpd", copy)
    with multiprocessing.Pool(CLIENTS) as pool:
        medians, ratio = bench.alternate(ROUNDS, mount=lambda: rate(pool, ours, names), tmpfs=lambda: rate(pool, theirs, names))
    ours.stop()
    theirs.stop()
    mount.stop()
    bench.report("tftp", question="TFTP: tftpd-hpa, 8 clients: mount to tmpfs", files_per_second=medians, value=ratio, bar=0.95, better="higher")


if __name__ == "__main__":
    main()
