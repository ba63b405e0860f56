"""What docs/templates.md shows step by step is done as it is written: files, pieces put into them, commands and what they print."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import lib

MANUAL = lib.ROOT / "docs" / "templates.md"
SITE = "/etc/provfs/templates"
# <!-- file: PATH --> or <!-- before: LINE -->, then a block; or a block of commands
PIECE = re.compile(r"(?:<!-- (file|before): (.*?) -->\n)?```(?:xml)?\n(.*?)```\n", re.S)


def section(title):
    text = MANUAL.read_text(encoding="utf-8").split(f"\n## {title}\n")[1]
    return text.split("\n## ")[0]


class Reader:
    """Somebody who does what the manual says."""

    def __init__(self, inv):
        self.inv, self.file = inv, None
        self.env = {**inv.env, "PATH": f"{Path(lib.PROVFS).parent}:{os.environ['PATH']}"}

    def path(self, name):
        return Path(name.replace(SITE, str(self.inv.templates)))

    def write(self, name, text):
        self.file = self.path(name)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text)

    def put_before(self, line, text):
        """Before the last line that begins so."""
        whole = self.file.read_text()
        at = [m.start() for m in re.finditer(rf"^ *{re.escape(line)}", whole, re.M)]
        place = at[0] if line == "</file>" else at[-1]
        self.file.write_text(whole[:place] + text + whole[place:])

    def run(self, command):
        r = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, env=self.env, check=False)
        said = [x for x in r.stderr.splitlines(keepends=True) if not x.startswith("note: ")]
        assert "ERROR" not in r.stderr, r.stderr
        return (r.stdout + "".join(said)).replace(str(self.inv.templates), SITE).replace(str(lib.ROOT), "/usr/share/provfs")

    def do(self, text):
        """The text with what the commands print now."""
        out, behind = "", 0
        for m in PIECE.finditer(text):
            out += text[behind:m.start(3)]
            behind = m.end(3)
            if m[1] == "file":
                self.write(m[2], m[3])
            elif m[1] == "before":
                self.put_before(m[2], m[3])
            if not m[3].startswith("$ "):
                out += m[3]
                continue
            for line in m[3].splitlines():
                if line.startswith("$ "):
                    out += line + "\n" + self.run(line[2:])
        return out + text[behind:]


@pytest.mark.parametrize("title", ["A site's own model", "A vendor from nothing"])
def test_step_by_step(inv, title):
    text = section(title)
    assert text.count("\n$ ") >= 5
    assert Reader(inv).do(text) == text
    assert inv.run("check").returncode == 0
