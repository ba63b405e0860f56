#!/usr/bin/python3
"""Checks what the compiler does not: the floors of the house, the format, the length of functions, scripts.

usage: tests/lint/lint.py [CHECK…]      one or more of: floors format functions shell python whitespace (default: all)

Prints FILE:LINE: MESSAGE for each finding; exit code 1 where there is one.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FUNCTION_MAX = 60

# What a floor may include of the others, and whose library it alone knows (conventions.md, "The house").
FLOORS = {
    "base": set(),
    "model": {"base"},
    "store": {"base", "model"},
    "render": {"base", "model"},
    "core": {"base", "model", "store", "render"},
    "fs": {"base", "model", "store", "render", "core"},
}
LIBRARIES = {"sqlite3": "store", "libxml": "render", "md5": "render", "fuse": "fs"}


def tracked(*patterns):
    """Files that git knows or would take."""
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [ROOT / p for p in sorted(set(out.splitlines())) if (ROOT / p).is_file()]


def lines_of(path):
    return enumerate(path.read_text(encoding="utf-8").splitlines(), 1)


def floors():
    for path in tracked("src/*/*.c", "src/*/*.h"):
        floor = path.relative_to(ROOT / "src").parts[0]
        for n, line in lines_of(path):
            m = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
            if not m:
                continue
            room = m[2].split("/")[0]
            if m[1] == '"' and "/" in m[2] and room != floor and room not in FLOORS[floor]:
                yield path, n, f"{floor}/ includes {m[2]}: it may know {', '.join(sorted(FLOORS[floor])) or 'nothing'}"
            for library, owner in LIBRARIES.items():
                if m[1] == "<" and m[2].startswith(library) and floor != owner:
                    yield path, n, f"{floor}/ includes <{m[2]}>: only {owner}/ knows that library"


def c_files():
    return tracked("src/**.c", "src/**.h", "tests/unit/*.c", "tests/unit/*.h", "tests/fuzz/*.c")


def formatting():
    for path in c_files():
        text = path.read_bytes()
        want = subprocess.run(["clang-format", path], check=True, capture_output=True).stdout
        if text != want:
            first = next((n for n, (x, y) in enumerate(zip(text.split(b"\n"), want.split(b"\n")), 1) if x != y), 1)
            yield path, first, "not formatted: clang-format -i"


def functions():
    for path in tracked("src/**.c"):
        start = None
        for n, line in lines_of(path):
            if re.match(r"[A-Za-z_].*\(", line) and not line.rstrip().endswith(";"):
                start = n
            elif line.startswith("}") and start:
                if n - start + 1 > FUNCTION_MAX:
                    yield path, start, f"a function of {n - start + 1} lines; {FUNCTION_MAX} at most"
                start = None


def shell():
    scripts = [p for p in tracked() if p.suffix == ".sh" or re.match(rb"#!.*\b(ba)?sh\b", p.read_bytes()[:40])]
    r = subprocess.run(["shellcheck", "--format=gcc", *scripts], cwd=ROOT, capture_output=True, text=True, check=False)
    for m in re.finditer(r"^([^:\n]+):(\d+):\d+: (.*)$", r.stdout, re.M):
        yield ROOT / m[1], m[2], m[3]


def python():
    for path in tracked("*.py"):
        try:
            compile(path.read_text(encoding="utf-8"), path, "exec")
        except (SyntaxError, UnicodeDecodeError) as e:
            yield path, getattr(e, "lineno", 1), str(e)


def whitespace():
    for path in tracked("*.c", "*.h", "*.py", "*.md", "*.build", "*.xml", "*.sql", "*.rng", "tools/*", "data/servers/*"):
        for n, line in lines_of(path):
            if line != line.rstrip():
                yield path, n, "blanks at the end of the line"
            if "\t" in line and path.suffix != ".md":
                yield path, n, "a tab"


CHECKS = {"floors": floors, "format": formatting, "functions": functions, "shell": shell, "python": python, "whitespace": whitespace}


def main():
    names = sys.argv[1:] or list(CHECKS)
    if any(n not in CHECKS for n in names):
        sys.exit(__doc__)
    found = 0
    for name in names:
        for path, line, message in CHECKS[name]():
            print(f"{path.relative_to(ROOT)}:{line}: {message}")
            found += 1
    print(f"lint: {', '.join(names)}: {found} finding{'' if found == 1 else 's'}")
    sys.exit(1 if found else 0)


main()
