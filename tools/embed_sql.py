#!/usr/bin/env python3
"""Writes SQL files into a C header: embed_sql.py OUT NAME FILE… makes `static const char *const NAME[]`."""
import sys

ESCAPES = {'\\': '\\\\', '"': '\\"', '\t': '\\t'}


def literal(path):
    with open(path, encoding='utf-8') as f:
        lines = f.read().splitlines()
    return '\n'.join('    "%s\\n"' % ''.join(ESCAPES.get(c, c) for c in line) for line in lines)


def main():
    out, name, *files = sys.argv[1:]
    with open(out, 'w', encoding='utf-8') as f:
        f.write('/* Made by tools/embed_sql.py. */\n#pragma once\n\n')
        f.write('static const char *const %s[] = {\n%s,\n};\n' % (name, ',\n'.join(map(literal, files))))


main()
