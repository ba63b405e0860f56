"""The verbs of the end-to-end tests: an inventory, a mount, servers, clients.

PROVFS_BUILD names the build folder whose program is tested (default: build-test, else build).
"""
import contextlib
import ctypes
import fcntl
import multiprocessing
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLEET = ROOT / "data" / "fleet-300.csv"
SUSPICIOUS = re.compile(r"error|warning|sanitizer|assert|critical|failed", re.I)
CLEAN_EXIT_S = 20


def build_folder():
    if "PROVFS_BUILD" in os.environ:
        return ROOT / os.environ["PROVFS_BUILD"]
    return next((ROOT / b for b in ("build-test", "build") if (ROOT / b / "src/provfs").exists()), ROOT / "build")


BUILD = build_folder()
PROVFS = str(BUILD / "src" / "provfs")


def is_sanitized():
    return os.path.exists(PROVFS) and b"__asan_init" in Path(PROVFS).read_bytes()


SANITIZED = is_sanitized()


def wait_for(what, condition, seconds=20.0):
    """Polls until condition() is true and returns what it gave; fails after the bound."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.01)
    raise AssertionError(f"waited {seconds} s for {what}")


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- the inventory and the commands -----------------------------------------------------------------------------


class Inventory:
    """A folder with a database, a site's templates and assets, and the parent folder of a mount."""

    def __init__(self, folder, init=True):
        self.folder = Path(folder)
        self.db = self.folder / "inventory.db"
        self.parent = self.folder / "srv"
        self.phones = self.parent / "phones"
        self.templates = self.folder / "templates"
        self.assets = self.folder / "assets"
        for d in (self.phones, self.templates, self.assets):
            d.mkdir(parents=True, exist_ok=True)
        make_traversable(self.folder)
        conf = self.folder / "provfs.conf"
        conf.touch()
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PROVFS_")}
        self.env.update(PROVFS_DATABASE=str(self.db), PROVFS_DATADIR=str(ROOT), PROVFS_TEMPLATES=str(self.templates),
                        PROVFS_ASSETS=str(self.assets), PROVFS_CONF=str(conf), LC_ALL="C.UTF-8")
        if init:
            self.provfs("init")

    def run(self, *args, stdin=None, timeout=120):
        if isinstance(stdin, str):
            stdin = stdin.encode()
        return subprocess.run([PROVFS, *map(str, args)], input=stdin or b"", capture_output=True, env=self.env,
                              timeout=timeout, check=False)

    def provfs(self, *args, stdin=None, timeout=120):
        """Runs a command that must succeed; its standard output as text."""
        r = self.run(*args, stdin=stdin, timeout=timeout)
        assert r.returncode == 0, f"provfs {args}: exit {r.returncode}: {r.stderr.decode()}{r.stdout.decode()[-500:]}"
        return r.stdout.decode()

    def refused(self, *args, says=(), stdin=None):
        """A command that must be refused: exit 1, one line that says what, the inventory unchanged. Returns the line."""
        before = self.dump()
        r = self.run(*args, stdin=stdin)
        line = r.stderr.decode()
        assert r.returncode == 1, f"provfs {args}: exit {r.returncode}: {line}"
        assert line.count("\n") == 1 and line.endswith("\n"), f"not one line: {line!r}"
        for word in [says] if isinstance(says, str) else says:
            assert word.lower() in line.lower(), f"{word!r} is not in: {line}"
        assert self.dump() == before, "a refused command changed the inventory"
        return line

    def add_profiles(self):
        for name in ("office", "home", "lobby"):
            self.provfs("add", "profile", name)

    def import_csv(self, text, *options):
        return self.provfs("import", *options, "-", stdin=text)

    def render(self, mac, *name):
        r = self.run("render", mac, *name)
        assert r.returncode == 0, r.stderr.decode()
        return r.stdout

    def dump(self):
        """Everything in the inventory, as text: equal before and after means nothing changed."""
        if not self.db.exists():
            return None
        with contextlib.closing(sqlite3.connect(self.db.as_uri() + "?mode=ro", uri=True)) as c:
            return "\n".join(c.iterdump())

    def gen(self):
        with contextlib.closing(sqlite3.connect(self.db)) as c:
            return c.execute("SELECT max(gen) FROM change").fetchone()[0] or 0


def make_traversable(folder):
    """Servers run as other users: every folder of the path may be entered by all."""
    for d in [folder, *folder.parents]:
        if d.stat().st_uid == os.geteuid() and d.is_relative_to("/tmp") and d != Path("/tmp"):
            d.chmod(d.stat().st_mode | 0o011)


class FastWriter:
    """Changes settings as any other program may: by SQL, under the lock that every writer takes. Durability is left to
    others, so that the rate is that of the filesystem and not of the disk."""

    def __init__(self, inventory):
        self.lock_path = str(inventory.db) + ".lock"
        self.db = sqlite3.connect(inventory.db, isolation_level=None, cached_statements=64)
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.execute("PRAGMA synchronous=OFF")

    @contextlib.contextmanager
    def transaction(self):
        fd = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            self.db.execute("BEGIN IMMEDIATE")
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        finally:
            os.close(fd)

    def set(self, rows, value):
        """One value for several settings, in one transaction; rows as rows_of() gave them."""
        with self.transaction() as db:
            db.executemany("UPDATE setting SET value = ? WHERE scope = ? AND id = ? AND key = ? AND effective_from = ?",
                           [(value, *row) for row in rows])

    def rows_of(self, value):
        return self.db.execute("SELECT scope, id, key, effective_from FROM setting WHERE value = ?", (value,)).fetchall()

    def close(self):
        with open(self.lock_path, "r+b") as f:
            fcntl.flock(f, fcntl.LOCK_EX)
            self.db.close()


# ---- processes --------------------------------------------------------------------------------------------------


class Process:
    """A daemon in the foreground with its output in a file; ended by its own pid."""

    started = []

    def __init__(self, argv, log, env=None):
        self.log = Path(log)
        self.expected = []
        with open(self.log, "ab") as out:
            self.p = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env,
                                      start_new_session=True)
        Process.started.append(self)

    @classmethod
    def kill_all(cls):
        """What is still running of what this run started: a hung mount lets go of those who wait for it."""
        for process in cls.started:
            if process.p.poll() is None:
                process.p.kill()
                process.let_go()

    def let_go(self):
        """What else holds those who wait for it."""

    def alive(self):
        assert self.p.poll() is None, f"{self.p.args[0]} ended: {self.log.read_text(errors='replace')[-2000:]}"
        return True

    def stop(self, sig=signal.SIGTERM):
        """Ends it and everything it started; its exit status."""
        if self.p.poll() is None:
            self.p.send_signal(sig)
        try:
            return self.p.wait(CLEAN_EXIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(self.p.pid, signal.SIGKILL)
            self.let_go()
            self.p.wait()
            raise AssertionError(f"{self.p.args[0]} did not end within {CLEAN_EXIT_S} s") from None

    def kill(self):
        self.p.kill()
        self.p.wait()

    def suspicious(self):
        """Lines of the log that a healthy run does not have."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [x for x in lines if SUSPICIOUS.search(x) and not any(re.search(e, x, re.I) for e in self.expected)]


def connections_of(path):
    """The numbers of the FUSE connections mounted here, the topmost last."""
    lines = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [fields[2].partition(":")[2] for fields in lines if fields[4] == str(path)]


def is_mounted(path):
    return bool(connections_of(path))


def abort_connection(number):
    """Ends a FUSE connection whose daemon even SIGKILL does not end, as one of its threads waits in the kernel."""
    control = Path("/sys/fs/fuse/connections")
    mounted_here = not any(control.iterdir()) and subprocess.run(["mount", "-t", "fusectl", "none", control], check=False)
    with contextlib.suppress(OSError):
        (control / number / "abort").write_text("1")
    if mounted_here:
        subprocess.run(["umount", control], check=False)


def serves(path):
    """Mounted, and by a daemon that lives."""
    try:
        return is_mounted(path) and os.statvfs(path)  # stat would be answered from the cache
    except OSError:
        return False


def unmount(path):
    """Whatever is left of a mount, lazily."""
    while is_mounted(path):
        subprocess.run(["umount", "-l", str(path)], check=True)


class Mount(Process):
    """provfs mount -f; `expect` takes log lines that the test provokes."""

    OPTIONS = "ro,allow_other,view=phones"

    def __init__(self, inventory, options=OPTIONS, path=None, env=None):
        self.path = Path(path or inventory.phones)
        self.inventory = inventory
        with contextlib.suppress(FileExistsError):  # where a dead mount is, mkdir(exist_ok=True) fails
            self.path.mkdir()
        log = inventory.folder / f"mount-{self.path.name}.log"
        argv = [PROVFS, "mount", "-f"] + (["-o", options] if options else []) + [str(inventory.db), str(self.path)]
        super().__init__(argv, log, {**inventory.env, **(env or {})})
        try:
            wait_for("the mount", lambda: self.alive() and serves(self.path))
        except BaseException:
            self.kill()
            unmount(self.path)
            raise

    def let_go(self):
        for number in connections_of(self.path):
            abort_connection(number)

    def expect(self, *patterns):
        self.expected += patterns

    def read(self, name):
        return (self.path / name).read_bytes()

    def stop(self, sig=signal.SIGTERM):
        try:
            return super().stop(sig)
        finally:
            unmount(self.path)

    def close(self):
        """Ends it; all must have been well."""
        status = self.stop()
        assert not self.suspicious(), "\n".join(self.suspicious()[:20])
        assert status == 0, f"the mount's exit status is {status}: {self.log.read_text(errors='replace')[-2000:]}"


# ---- servers ----------------------------------------------------------------------------------------------------


class Server(Process):
    """One of the four servers with its configuration of data/servers/, for the parent folder of an inventory's mount."""

    def __init__(self, name, inventory, address="127.0.0.1", group="nogroup"):
        self.name, self.address, self.inventory, self.group = name, address, inventory, group
        self.run = inventory.folder / f"run-{name}"
        self.run.mkdir(exist_ok=True)
        self.run.chmod(0o777)  # lighttpd opens its log as www-data
        self.port = 69 if name == "dnsmasq" else free_port(socket.SOCK_DGRAM if name == "tftpd" else socket.SOCK_STREAM)
        super().__init__(getattr(self, f"_{name}")(), self.run / "log")
        ready = self._answers_tftp if name in ("tftpd", "dnsmasq") else self._answers_tcp
        try:
            wait_for(f"{name} to answer", lambda: self.alive() and ready())
        except BaseException:
            self.kill()
            raise

    def _config(self, name):
        """The operator's configuration with this place's paths and port."""
        out = subprocess.run([ROOT / "tools/server-config", name, self.inventory.parent, self.run, self.address,
                              str(self.port), self.group], check=True, capture_output=True, text=True).stdout
        path = self.run / name
        path.write_text(out)
        return path

    def _lighttpd(self):
        return ["lighttpd", "-D", "-f", self._config("lighttpd.conf")]

    def _nginx(self):
        return ["nginx", "-c", self._config("nginx.conf"), "-g", "daemon off;"]

    def _dnsmasq(self):
        return ["dnsmasq", "--keep-in-foreground", "--log-facility=-", f"--conf-file={self._config('dnsmasq.conf')}"]

    def _tftpd(self):
        """As /etc/init.d/tftpd-hpa starts it, in the foreground."""
        self._config("tftpd.map")
        command = '. "$0"; exec in.tftpd --foreground --user "$TFTP_USERNAME" --address "$TFTP_ADDRESS" ' \
                  '$TFTP_OPTIONS "$TFTP_DIRECTORY"'
        return ["sh", "-c", command, self._config("tftpd-hpa")]

    def _answers_tcp(self):
        with socket.socket() as s:
            s.settimeout(0.5)
            return s.connect_ex((self.address, self.port)) == 0

    def _answers_tftp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.sendto(b"\0\1are-you-there\0octet\0", (self.address, self.port))
                return s.recvfrom(600)
            except (TimeoutError, ConnectionError):
                return False

    def url(self, name):
        scheme = "tftp" if self.name in ("tftpd", "dnsmasq") else "http"
        return f"{scheme}://{self.address}:{self.port}/{name}"

    def stop(self, sig=signal.SIGTERM):
        return super().stop(signal.SIGQUIT if self.name == "nginx" else sig)


# ---- clients ----------------------------------------------------------------------------------------------------


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body


def curl(url, **headers):
    """A GET by curl. Header names with _ for -: curl(url, If_None_Match=etag)."""
    args = [x for k, v in headers.items() for x in ("-H", f"{k.replace('_', '-')}: {v}")]
    r = subprocess.run(["curl", "--silent", "--show-error", "--path-as-is", "--max-time", "30", "--include", *args, url],
                       capture_output=True, check=False)
    assert r.returncode == 0, f"curl {url}: exit {r.returncode}: {r.stderr.decode()}"
    head, _, body = r.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return Reply(int(lines[0].split()[1]), {k.lower(): v.strip() for k, _, v in (x.partition(":") for x in lines[1:])}, body)


def curl_tftp(server, name):
    r = subprocess.run(["curl", "--silent", "--show-error", "--tftp-blksize", "1428", "--max-time", "30", server.url(name)],
                       capture_output=True, check=False)
    return r.returncode, r.stdout


def fetch(server, name):
    """What curl gets from any of the servers, which must have it."""
    r = subprocess.run(["curl", "--silent", "--show-error", "--fail", "--max-time", "30", server.url(name)], capture_output=True,
                       check=False)
    assert r.returncode == 0, r.stderr.decode()
    return r.stdout


def tftp_hpa(server, name, folder):
    """A get by the tftp-hpa client: the bytes, or None and what it said."""
    out = Path(folder) / "got-by-tftp"
    out.unlink(missing_ok=True)
    r = subprocess.run(["tftp", "-m", "binary", server.address, str(server.port), "-c", "get", name, str(out)],
                       capture_output=True, text=True, timeout=60, check=False)
    if r.returncode or "Error" in r.stdout + r.stderr:
        return None, r.stdout + r.stderr
    return out.read_bytes(), ""


def atftp(server, name, folder, *options):
    """A get by atftp: the bytes (None on failure) and its trace, which shows the options agreed to."""
    out = Path(folder) / "got-by-atftp"
    out.unlink(missing_ok=True)
    args = [x for o in options for x in ("--option", o)]
    r = subprocess.run(["atftp", "--trace", *args, "--get", "-r", name, "-l", str(out), server.address, str(server.port)],
                       capture_output=True, text=True, timeout=60, check=False)
    return (out.read_bytes() if r.returncode == 0 and out.exists() else None), r.stdout + r.stderr


def slow_tftp(address, port, name, pause_s, block=512):
    """A phone on a bad line: acknowledges each block after a pause. (tsize, bytes)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.sendto(b"\0\1" + name.encode() + b"\0octet\0tsize\0000\0blksize\0%d\0" % block, (address, port))
        packet, peer = s.recvfrom(65536)
        assert packet[:2] == b"\0\6", f"no OACK: {packet[:80]}"
        fields = packet[2:].split(b"\0")
        options = dict(zip(fields[0::2], fields[1::2]))
        got, number = b"", 0
        while True:
            s.sendto(b"\0\4" + (number & 0xFFFF).to_bytes(2, "big"), peer)
            packet, peer = s.recvfrom(65536)
            assert packet[:2] == b"\0\3", f"TFTP error: {packet[:80]}"
            if int.from_bytes(packet[2:4], "big") != (number + 1) & 0xFFFF:
                continue
            number += 1
            got += packet[4:]
            time.sleep(pause_s)
            if len(packet) - 4 < block:
                s.sendto(b"\0\4" + (number & 0xFFFF).to_bytes(2, "big"), peer)
                return int(options[b"tsize"]), got


def sendfile_all(path):
    """What a server that uses sendfile sends: (fstat size, bytes)."""
    fd = os.open(path, os.O_RDONLY)
    out = os.memfd_create("sent")
    try:
        size = os.fstat(fd).st_size
        offset = 0
        while n := os.sendfile(out, fd, offset, 1 << 20):
            offset += n
        return size, os.pread(out, offset, 0)
    finally:
        os.close(fd)
        os.close(out)


@contextlib.contextmanager
def as_user(uid):
    """This thread's file accesses as another user, without its supplementary groups (Linux: per thread)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.setfsuid(uid)
    libc.setfsgid(uid)
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


def copy_inventory(source, folder):
    """A new Inventory with the database of another that nobody has open."""
    inv = Inventory(folder, init=False)
    for suffix in ("", "-wal", "-shm"):
        if Path(str(source.db) + suffix).exists():
            shutil.copy2(str(source.db) + suffix, str(inv.db) + suffix)
    return inv


def children(pid):
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


# ---- versions that show when they are mixed ---------------------------------------------------------------------


class Counter:
    """Settings from the beginning to the end of a Yealink phone's file that each change sets to one new value. check() tells
    which change a file has, and fails where it mixes two, is cut, or has anything else than the first version had."""

    MAC = "001565000007"
    FILE = f"{MAC}.cfg"
    PATTERN = re.compile(rb"c(\d{7})x*\.example\.net")

    def __init__(self, inventory, same_length=False):
        self.inventory, self.same_length = inventory, same_length
        first = self.value(0)
        inventory.provfs("set", "profile", "office", f"sip.server={first}", f"sip.outbound_proxy={first}", f"time.ntp={first}")
        inventory.provfs("set", "device", self.MAC, f"yealink:zz.first={first}", f"yealink:zz.last={first}")
        self.writer = FastWriter(inventory)
        self.rows = self.writer.rows_of(first)
        assert len(self.rows) == 5
        self.n = 0
        self.shape = self.shape_of(inventory.render(self.MAC))

    def value(self, n):
        return f"c{n:07d}{'' if self.same_length else 'x' * (n % 40)}.example.net"

    def shape_of(self, data):
        return self.PATTERN.sub(b"C", data)

    def step(self):
        """The next change, committed; its number."""
        self.writer = self.writer or FastWriter(self.inventory)
        self.writer.set(self.rows, self.value(self.n + 1))
        self.n += 1
        return self.n

    def close(self):
        """Before a fork too: no connection to SQLite survives one."""
        if self.writer:
            self.writer.close()
            self.writer = None

    def check(self, data):
        numbers = set(self.PATTERN.findall(data))
        assert len(numbers) == 1, f"mixed versions: {numbers}"
        assert self.shape_of(data) == self.shape, "cut or changed elsewhere"
        return int(numbers.pop())


def crowd(seconds, **workers):
    """Runs each worker(until) in a process of its own, until time.monotonic() is past `until`; their results by name. The
    first exception of any is raised here."""
    context = multiprocessing.get_context("fork")
    until = time.monotonic() + seconds

    def body(worker, pipe):
        try:
            pipe.send((True, worker(until)))
        except BaseException as e:  # pylint: disable=broad-except
            pipe.send((False, f"{type(e).__name__}: {e}"))

    running = {}
    for name, worker in workers.items():
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=body, args=(worker, there), daemon=True)
        process.start()
        there.close()
        running[name] = (process, here)
    results, failures = {}, []
    for name, (process, pipe) in running.items():
        try:
            assert pipe.poll(max(0, until - time.monotonic()) + 60), "did not end"
            ok, results[name] = pipe.recv()
        except (EOFError, AssertionError) as e:
            ok, results[name] = False, repr(e)
        if not ok:
            failures.append(f"{name}: {results[name]}")
        process.join(5)
        if process.is_alive():
            process.kill()
    assert not failures, "\n".join(failures)
    return results


def getdents(fd, size):
    """The names in an open folder, asked for with a buffer of this size (getdents64; "." and ".." left out)."""
    libc = ctypes.CDLL(None, use_errno=True)
    buf, names = ctypes.create_string_buffer(size), []
    while True:
        n = libc.syscall(217, fd, buf, size) if os.uname().machine == "x86_64" else libc.syscall(61, fd, buf, size)
        if n < 0:
            raise OSError(ctypes.get_errno(), "getdents64")
        if n == 0:
            return [x for x in names if x not in (".", "..")]
        at = 0
        while at < n:
            length = int.from_bytes(buf.raw[at + 16:at + 18], "little")
            names.append(buf.raw[at + 19:at + length].split(b"\0")[0].decode())
            at += length
