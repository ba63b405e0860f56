#!/usr/bin/python3
"""Renders a Yealink file with Jinja2, as a provisioning server would: the template compiled once, a phone's values each time.
Prints JSON.

usage: peers.py TEMPLATE PHONES SECONDS"""
import json
import sys
import time

import jinja2


def main():
    template, phones, seconds = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8")), float(sys.argv[3])
    compiled = jinja2.Environment(keep_trailing_newline=True).from_string(open(template, encoding="utf-8").read())
    first = compiled.render(phones[0])
    n, start = 0, time.monotonic()
    while time.monotonic() - start < seconds:
        for p in phones:
            compiled.render(p)
        n += len(phones)
    print(json.dumps({"files_per_second": n / (time.monotonic() - start), "first": first}))


if __name__ == "__main__":
    main()
