"""What the measurements share: an inventory, a mount, servers on it and on the same bytes in tmpfs, results.

The verbs are those of the end-to-end tests (tests/e2e/lib.py). PROVFS_BUILD names the build folder; it must be one without
sanitizers."""
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import lib as e2e  # noqa: E402 pylint: disable=wrong-import-position

RESULTS = Path(os.environ.get("BENCH_RESULTS", ROOT / "bench/results"))
WORK = Path(os.environ.get("BENCH_WORK", "/var/tmp/provfs-bench"))
SHM = Path("/dev/shm/provfs-bench")
THREADS = os.cpu_count()


def folder(name, parent=WORK):
    path = parent / name
    if os.path.ismount(path / "srv/phones"):  # of a run that was killed
        subprocess.run(["umount", "-l", path / "srv/phones"], check=True)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    parent.chmod(0o711)
    path.chmod(0o711)
    return path


def report(name, **values):
    """Writes results/NAME.json; `ratio` or `value`, `bar` and `better` (which way) make a row of the table."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    values = {"name": name, "time": time.strftime("%Y-%m-%d %H:%M"), "cpus": os.cpu_count(), **values}
    (RESULTS / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n")
    print(json.dumps(values), flush=True)


def fleet(name, devices, *options):
    """An inventory of make_fleet.py's devices, imported."""
    inv = e2e.Inventory(folder(name))
    inv.add_profiles()
    inv.provfs("set", "profile", "office", "sip.server=sip.example.net", "time.zone=Europe/Vienna")
    csv = inv.folder / "fleet.csv"
    with open(csv, "wb") as out:
        subprocess.run([ROOT / "tools/make_fleet.py", str(devices), *options], stdout=out, check=True)
    inv.provfs("import", csv, timeout=3600)
    return inv


class Copy:
    """The files of a mount in tmpfs, for servers to serve."""

    def __init__(self, mount, names, name="copy"):
        self.folder = folder(name, SHM)
        self.parent = self.folder / "srv"
        self.phones = self.parent / "phones"
        self.phones.mkdir(parents=True)
        for d in (self.parent, self.phones):
            d.chmod(0o755)
        for n in names:
            path = self.phones / n
            path.write_bytes(mount.read(n))
            path.chmod(0o444)


def write_paths(path, names):
    path.write_text("".join(f"/{n}\n" for n in names))
    return path


def wrk(server, paths, seconds=4, connections=16):
    """Requests a second of `paths` in an order of chance; no error may come."""
    script = ROOT / "bench/paths.lua"
    out = subprocess.run(["wrk", "-t", str(THREADS), "-c", str(connections), "-d", f"{seconds}s", "-s", script,
                          f"http://{server.address}:{server.port}/", "--", paths], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])


def alternate(rounds, **sides):
    """Runs each side in turn; the medians, and the median of the ratios of one round: first side to second."""
    got = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            got[name].append(run())
    first, second = list(got)
    return {n: round(statistics.median(v), 1) for n, v in got.items()}, round(
        statistics.median(a / b for a, b in zip(got[first], got[second])), 3)


def names_of(mount, count=None, seed=1):
    """The files of devices as a listing names them, all or so many by chance. Not MAC.cfg: that is another spelling where a vendor's
    phones ask for another name, and the kernel keeps no such spelling."""
    names = sorted(n for n in os.listdir(mount.path) if re.search(r"[0-9a-fA-F]{12}", n))
    return random.Random(seed).sample(names, count) if count and count < len(names) else names
