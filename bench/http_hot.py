#!/usr/bin/env python3
"""HTTP, hot: a server on the mount against the same server on the same bytes in tmpfs; 2,000 files, alternating runs.
strict and check=commit, nginx and lighttpd."""
import bench

BARS = {("commit", "nginx"): 0.9, ("commit", "lighttpd"): 0.9, ("strict", "nginx"): 0.4, ("strict", "lighttpd"): 0.3}
ROUNDS = 5


def main():
    inv = bench.fleet("hot", 2000)
    for check in ("strict", "commit"):
        mount = bench.e2e.Mount(inv, f"ro,allow_other,view=phones,check={check}")
        names = bench.names_of(mount, 2000)
        paths = bench.write_paths(inv.folder / "paths", names)
        copy = bench.Copy(mount, names)
        for server in ("nginx", "lighttpd"):
            ours, theirs = bench.e2e.Server(server, inv), bench.e2e.Server(server, copy)
            bench.wrk(ours, paths, 2)
            bench.wrk(theirs, paths, 2)
            medians, ratio = bench.alternate(ROUNDS, mount=lambda: bench.wrk(ours, paths), tmpfs=lambda: bench.wrk(theirs, paths))
            ours.stop()
            theirs.stop()
            bench.report(f"http_hot_{check}_{server}", question=f"HTTP, hot, {check}, {server}: mount to tmpfs", requests_per_second=medians,
                       value=ratio, bar=BARS[check, server], better="higher")
        mount.stop()


if __name__ == "__main__":
    main()
