#!/usr/bin/env python3
"""Prints the results as a table: bench/results/*.json, in the order of the questions."""
import json

import bench

ORDER = ["http_hot_commit_nginx", "http_hot_commit_lighttpd", "http_hot_strict_nginx", "http_hot_strict_lighttpd", "commit_latency_p50",
         "commit_latency_p99", "http_cold", "tftp", "changes", "storm_strict", "storm_commit", "profile_change", "render", "render_jinja2", "render_smarty", "check", "import",
         "import_memory", "ls_f", "ls_l", "memory", "start", "strangers"]


def main():
    print("| question | measured | bar | |\n|---|---|---|---|")
    for name in ORDER:
        path = bench.RESULTS / f"{name}.json"
        if not path.exists():
            print(f"| {name} | not measured | | |")
            continue
        r = json.loads(path.read_text())
        good = r["value"] >= r["bar"] if r["better"] == "higher" else r["value"] <= r["bar"]
        sign = "≥" if r["better"] == "higher" else "≤"
        print(f"| {r['question']} | {r['value']:,} | {sign} {r['bar']:,} | {'reached' if good else 'missed'} |")


if __name__ == "__main__":
    main()
