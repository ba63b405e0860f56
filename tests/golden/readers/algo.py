"""Algo: `key = value`; a comment begins with # at the start of a line. The MD5 of the file stands beside it."""
import hashlib
import re
from pathlib import Path

COMMON = {"0022ee000001": ["algom0022EE000001.md5"]}
WHERE_SET = r"admin\.pwd|prov\.(server|download|auth)\..*"


def read(name, data):
    if name.endswith(".md5"):
        folder = Path(__file__).resolve().parents[1] / "expected/algo"
        assert re.fullmatch(rb"[0-9a-f]{32}\n", data)
        assert data.decode().strip() == hashlib.md5((folder / "0022ee000001.cfg").read_bytes()).hexdigest()
        return []
    lines = data.decode().split("\n")
    assert lines[-1] == ""
    return [tuple(x.split(" = ", 1)) for x in lines[:-1] if not x.startswith("#")]


def account(model, pairs, line, place):
    if line == 2:
        return (*(pairs[f"sip.alert1.{k}"] for k in ("user", "auth", "pwd")), "Lobby")
    return tuple(pairs[f"sip.u1.{k}"] for k in ("user", "auth", "pwd", "dname"))


def zone(model, pairs):
    return {"iana": pairs["admin.timezone"]}
