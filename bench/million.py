#!/usr/bin/env python3
"""A million devices with a line each: import, start, memory, listings, a profile's change, names that are not there, check.

usage: million.py [--devices N]   (1,000,000; fewer for a trial)"""
import argparse
import os
import statistics
import subprocess
import time

import bench


def peak_mib(argv, env, **options):
    """Runs a command; its seconds and its peak memory."""
    start = time.monotonic()
    p = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    _, status, usage = os.wait4(p.pid, 0)
    assert status == 0, p.stderr.read().decode()[-500:]
    return time.monotonic() - start, usage.ru_maxrss / 1024


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmRSS"))


def import_fleet(inv, devices, csv):
    with open(csv, "wb") as out:
        subprocess.run([bench.ROOT / "tools/make_fleet.py", str(devices), "--models", "yealink-t19p-e2,linphone"], stdout=out, check=True)
    with open(csv, "rb") as f:
        rows = sum(1 for _ in f) - 1
    seconds, mib = peak_mib([bench.e2e.PROVFS, "import", csv], inv.env)
    bench.report("import", question=f"import of {devices:,} devices: rows/s", rows=rows, seconds=round(seconds, 1), value=round(rows / seconds),
                 bar=30000, better="higher")
    bench.report("import_memory", question="import: peak memory, MiB", value=round(mib), bar=300, better="lower")


def check(inv, devices):
    seconds, mib = peak_mib([bench.e2e.PROVFS, "check"], inv.env)
    bench.report("check", question=f"provfs check of {devices:,} devices, s", peak_mib=round(mib), value=round(seconds, 1), bar=30, better="lower")


def start(inv):
    """Until the first file is read."""
    name = f"{next(iter(inv.provfs('list', 'devices', '-q').split()))}.cfg"
    times = []
    for _ in range(3):
        begin = time.monotonic()
        mount = bench.e2e.Mount(inv)
        mount.read(name)
        times.append(time.monotonic() - begin)
        mount.stop()
    bench.report("start", question="start to serving, s", value=round(statistics.median(times), 2), bar=1, better="lower")


def listings(mount, devices):
    seconds = time.monotonic()
    out = subprocess.run(["ls", "-f", mount.path], check=True, capture_output=True).stdout
    seconds = time.monotonic() - seconds
    assert out.count(b"\n") >= devices
    bench.report("ls_f", question=f"ls -f of {devices:,} devices, s", value=round(seconds, 1), bar=5, better="lower")


def long_listing():
    inv = bench.fleet("listing", 100000, "--models", "yealink-t19p-e2,linphone")
    mount = bench.e2e.Mount(inv)
    seconds = time.monotonic()
    subprocess.run(["ls", "-l", mount.path], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - seconds
    mount.stop()
    bench.report("ls_l", question="ls -l of 100,000, s", value=round(seconds, 1), bar=10, better="lower")


def memory(mount, names):
    for n in names[:100000]:
        mount.read(n)
    bench.report("memory", question="resident memory of the mount after reading 100,000 files, MiB", value=round(rss_mib(mount.p.pid)), bar=300,
                 better="lower")


def strangers(mount, count):
    """Names of MACs that nobody has."""
    before, begin = rss_mib(mount.p.pid), time.monotonic()
    for i in range(count):
        assert not os.path.exists(mount.path / f"0215{i:08x}.cfg")
    seconds, grown = time.monotonic() - begin, rss_mib(mount.p.pid) - before
    bench.report("strangers", question=f"scan for {count:,} names that do not exist: memory grown, MiB", per_second=round(count / seconds),
                 value=round(grown, 1), bar=10, better="lower")


def first_new_bytes(inv, mount, name, changes=30):
    """Milliseconds from a commit to a profile of all devices to the first new bytes of one: the median."""
    inv.provfs("set", "profile", "office", "syslog.server=c0000000.example.net")
    writer = bench.e2e.FastWriter(inv)
    rows, times = writer.rows_of("c0000000.example.net"), []  # once: it looks through all settings
    for i in range(1, changes + 1):
        value = f"c{i:07d}.example.net"
        writer.set(rows, value)
        begin = time.monotonic()
        while value.encode() not in mount.read(name):
            pass
        times.append((time.monotonic() - begin) * 1000)
    writer.close()
    return statistics.median(times)


def profile_change(inv, mount, names):
    small = bench.fleet("thousand", 1000, "--models", "yealink-t19p-e2,linphone")
    other = bench.e2e.Mount(small)
    of_office = [d for d in small.provfs("list", "devices", "-q", "profile=office", "model=yealink-t19p-e2").split()]
    few = first_new_bytes(small, other, f"{of_office[0]}.cfg")
    other.stop()
    many = first_new_bytes(inv, mount, names)
    bench.report("profile_change", question="change of a profile: commit to first new bytes, 1,000,000 devices to 1,000", ms={"many": round(many, 2),
                 "few": round(few, 2)}, value=round(many / few, 2), bar=1.5, better="lower")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--devices", type=int, default=1000000)
    devices = parser.parse_args().devices
    inv = bench.e2e.Inventory(bench.folder("million"))
    inv.add_profiles()
    import_fleet(inv, devices, inv.folder / "fleet.csv")
    check(inv, devices)
    start(inv)
    mount = bench.e2e.Mount(inv)
    names = bench.names_of(mount, 100000)
    office = inv.provfs("list", "devices", "-q", "profile=office", "model=yealink-t19p-e2").split()
    memory(mount, names)
    profile_change(inv, mount, f"{office[0]}.cfg")
    strangers(mount, devices)
    listings(mount, devices)
    mount.stop()
    long_listing()


if __name__ == "__main__":
    main()
