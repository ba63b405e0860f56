"""P10: a change to a profile costs the same whether ten or a hundred thousand devices use it."""
import statistics
import subprocess
import sys
import time

import lib

CHANGES = 300
RATIO = 2.0


def inventory_of(n_devices, folder):
    inv = lib.Inventory(folder)
    inv.add_profiles()
    csv = subprocess.run([sys.executable, lib.ROOT / "tools/make_fleet.py", str(n_devices), "--models", "yealink-t46s"],
                         check=True, capture_output=True).stdout
    inv.provfs("import", "-", stdin=csv, timeout=600)
    return inv


def commit_to_new_bytes(counter, mount):
    """Seconds from the commit until the new bytes are read: the median of many."""
    times = []
    for _ in range(CHANGES):
        n = counter.step()
        start = time.perf_counter()
        data = mount.read(counter.FILE)
        times.append(time.perf_counter() - start)
        assert counter.check(data) == n
    return statistics.median(times)


def test_1000_and_100000_devices(tmp_path, mounted):
    measured = {}
    for n_devices in (1000, 100_000):
        inv = inventory_of(n_devices, tmp_path / str(n_devices))
        m, counter = mounted(inv), lib.Counter(inv)
        measured[n_devices] = commit_to_new_bytes(counter, m)
        counter.close()
        m.close()
    print({n: f"{t * 1e6:.0f} us" for n, t in measured.items()})
    assert measured[100_000] < RATIO * measured[1000], measured
