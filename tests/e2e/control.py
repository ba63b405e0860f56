"""The verbs of the control tree's tests: a mounted tree, shell commands in it, what an operation answers, other users."""
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import lib

ADMIN_GID, SERVE_GID, HELPDESK_GID = 61001, 61002, 61003
ADMIN_UID, SERVER_UID, NOBODY_UID = 61011, 61012, 61013
MASK = "********"
SECRET = "s3cret-Pw"
MAC = "001565aabbcc"
BOUND_S = 60

# Some of everything: a customer with a profile of its own, two phones, one without a model.
SAMPLE = f"""add profile office sip.server=sip1.example.net time.zone=Europe/Vienna
add customer acme voicemail.number=500
add profile acme-desk parent=office customer=acme
add account 1001@acme customer=acme 'line.display_name=Ann Smith' sip.password={SECRET}
add account 1002@acme customer=acme
add device {MAC} model=yealink-t46s profile=office customer=acme inventory_id=A1
add device 001565aabbdd
assign {MAC} 1=1001@acme
set site phone.admin_password={SECRET}
"""


def admin_options(view="control", extra=""):
    return f"allow_other,view={view},admin_gid={ADMIN_GID}{extra}"


def name_of(error):
    return errno.errorcode[error.errno]


def answer(fn, *args):
    """"ok", or the name of the errno."""
    try:
        fn(*args)
        return "ok"
    except OSError as e:
        return name_of(e)


def write_once(path, data, flags=os.O_WRONLY | os.O_TRUNC | os.O_CREAT):
    """open, one write, close: each may raise."""
    data = data.encode() if isinstance(data, str) else data
    fd = os.open(path, flags, 0o660)
    try:
        assert os.write(fd, data) == len(data)
    finally:
        os.close(fd)


class Tree:
    """The control tree of a mount."""

    def __init__(self, mount):
        self.mount, self.inv = mount, mount.inventory
        self.path = mount.path / "control"

    def __truediv__(self, name):
        return self.path / name

    def read(self, name):
        return (self.path / name).read_text()

    def put(self, name, value):
        """Writes a value, which must be taken."""
        write_once(self.path / name, value)

    def write(self, name, value):
        """What a write of a value answers."""
        return answer(write_once, self.path / name, value)

    def ctl(self, text):
        """What one write to ctl answers, and the sentence that its descriptor then reads."""
        fd = os.open(self.path / "ctl", os.O_RDWR)
        try:
            return answer(os.write, fd, text.encode() if isinstance(text, str) else text), os.read(fd, 65536).decode()
        finally:
            os.close(fd)

    def done(self, text):
        got, sentence = self.ctl(text)
        assert got == "ok", sentence
        return sentence

    def outcome(self):
        return self.read("ctl")

    def sh(self, command, shell="bash", **env):
        """Runs a shell command inside the tree."""
        return subprocess.run([shell, "-c", command], cwd=self.path, env={**self.inv.env, **env}, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=BOUND_S, check=False)

    def shell(self, command, **env):
        """One that must succeed; its standard output."""
        r = self.sh(command, **env)
        assert r.returncode == 0, f"{command}: exit {r.returncode}: {r.stderr}"
        return r.stdout

    def ls(self, name="."):
        return sorted(os.listdir(self.path / name))

    def walk(self):
        """Every path of the tree: (path below control/, whether it is a folder)."""
        for folder, folders, files in os.walk(self.path, onerror=raise_it):
            for name in folders + files:
                yield os.path.relpath(os.path.join(folder, name), self.path), name in folders


def raise_it(e):
    raise e


def sample(inv):
    inv.provfs("apply", "-", stdin=SAMPLE)
    return inv


def reset(inv):
    """Brings the sample back, whatever a test did to it."""
    writer = lib.FastWriter(inv)
    with writer.transaction() as db:
        db.execute("UPDATE profile SET parent = NULL")
        for table in ("line", "setting", "device", "account", "profile", "customer"):
            db.execute(f"DELETE FROM {table}")
    writer.close()
    sample(inv)


def as_other(uid, gid, groups, operations):
    """What each of [(name, args…)] answers to another user, in one process of its own: a list of "ok" and errno names."""
    r = subprocess.run([sys.executable, __file__, str(uid), str(gid), ",".join(map(str, groups))], input=json.dumps(operations),
                       capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


# ---- the operations that the table of permissions walks; each undoes nothing, so writes say what is there already


def read_some(path):
    with open(path, "rb", buffering=0) as f:
        f.read(100)


OPERATIONS = {
    "stat": os.stat,
    "list": os.listdir,
    "read": read_some,
    "open_write": lambda path: os.close(os.open(path, os.O_WRONLY)),
    "write": lambda path, value: write_once(path, value, os.O_WRONLY),
    "create": lambda path, value: write_once(path, value, os.O_WRONLY | os.O_CREAT | os.O_EXCL),
    "mkdir": os.mkdir,
    "rmdir": os.rmdir,
    "unlink": os.unlink,
    "rename": os.rename,
    "chmod": lambda path: os.chmod(path, 0o666),
    "chown": lambda path: os.chown(path, os.getuid(), os.getgid()),
    "setxattr": lambda path: os.setxattr(path, "user.x", b"y"),
}


def main(uid, gid, groups):
    os.setgroups([int(g) for g in groups.split(",") if g])
    os.setgid(int(gid))
    os.setuid(int(uid))
    json.dump([answer(OPERATIONS[name], *args) for name, *args in json.load(sys.stdin)], sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
