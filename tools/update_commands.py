#!/usr/bin/env python3
"""Puts the text of `provfs help COMMAND` into docs/commands.md: the first block below each command's heading.

usage: update_commands.py PROVFS (the program, built)"""
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def help_of(program, command):
    env = {**os.environ, "PROVFS_CONF": "/dev/null"}
    return subprocess.run([program, "help", command], capture_output=True, text=True, check=True, env=env).stdout


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    manual = ROOT / "docs" / "commands.md"
    text = re.sub(r"^## (\w+)\n\n```\n.*?```\n", lambda m: f"## {m[1]}\n\n```\n{help_of(sys.argv[1], m[1])}```\n", manual.read_text(),
                  flags=re.M | re.S)
    manual.write_text(text)


if __name__ == "__main__":
    main()
