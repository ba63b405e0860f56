"""A Linphone softphone takes its file over HTTP from lighttpd on the mount, and registers with digest at a Kamailio."""
import re
import socket
import subprocess

import pytest

import lib

MAC = "02a1b2c3d4e5"
PASSWORD = "p#w;d=x&y<z>[1]'%41"
NAME = 'O\'Neil "Bob" <1> & Söhne'


class Registrar(lib.Process):
    """Kamailio on two ports; knows 1001 and PASSWORD."""

    def __init__(self, folder):
        self.ports = [lib.free_port(socket.SOCK_DGRAM), lib.free_port(socket.SOCK_DGRAM)]
        words = {"ADDRESS": "127.0.0.1", "PORT": self.ports[0], "SECOND_PORT": self.ports[1], "REALM": "127.0.0.1", "PASSWORD": f'"{PASSWORD}"'}
        defines = [x for k, v in words.items() for x in ("-A", f"{k}={v}")]
        super().__init__(["kamailio", "-DD", "-E", "-m", "16", "-M", "4", "-Y", folder, "-w", folder, *defines,
                          "-f", lib.ROOT / "tests/e2e/kamailio/registrar.cfg"], folder / "kamailio.log")
        lib.wait_for("Kamailio to answer", lambda: self.alive() and self._answers(), 30)

    def _answers(self):
        request = "\r\n".join(["OPTIONS sip:127.0.0.1 SIP/2.0", "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1;rport", "Max-Forwards: 5",
                               "From: <sip:t@127.0.0.1>;tag=1", "To: <sip:t@127.0.0.1>", "Call-ID: 1", "CSeq: 1 OPTIONS", "", ""])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            try:
                s.sendto(request.encode(), ("127.0.0.1", self.ports[0]))
                return s.recv(2000).startswith(b"SIP/2.0 405")
            except (TimeoutError, ConnectionError):
                return False

    def said(self, what):
        return re.findall(what, self.log.read_text(errors="replace"))


class Softphone:
    """linphonec with a home of its own that knows nothing but where its file is."""

    def __init__(self, folder, url):
        self.home = folder / "home"
        (self.home / ".local/share/linphone").mkdir(parents=True)
        self.rc = folder / "linphonerc"
        self.rc.write_text(f"[misc]\nconfig-uri={url}\n[storage]\nuri=null\n[sip]\nbind_address=127.0.0.1\nuse_ipv6=0\nsip_port=-1\n"
                           "sip_tcp_port=0\nsip_tls_port=0\n[rtp]\nbind_address=127.0.0.1\n")
        self.log = folder / "linphone.log"

    def run_until(self, condition):
        """Starts it, waits for the condition and ends it as its user would."""
        env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        with open(self.log, "ab") as out:
            p = subprocess.Popen(["linphonec", "-c", str(self.rc)], stdin=subprocess.PIPE, stdout=out, stderr=out, env=env,
                                 cwd=self.home)
        try:
            lib.wait_for("the softphone", lambda: self.is_up(p) and condition(), 40)
        finally:
            p.kill()
            p.wait()
            p.stdin.close()

    def is_up(self, p):
        assert p.poll() is None, self.log.read_text(errors="replace")[-2000:]
        return True


@pytest.fixture(scope="module")
def registrar(tmp_path_factory):
    r = Registrar(tmp_path_factory.mktemp("kamailio"))
    yield r
    r.stop()


@pytest.fixture(scope="module")
def phone(fleet, mount, lighttpd, registrar, tmp_path_factory):
    fleet.provfs("add", "profile", "soft", "sip.server=127.0.0.1", f"sip.port={registrar.ports[0]}", "sip.transport=udp",
                 "sip.expires=333")
    fleet.provfs("add", "account", "1001@soft", f"sip.password={PASSWORD}", f"line.display_name={NAME}")
    fleet.provfs("add", "device", MAC, "model=linphone", "profile=soft")
    fleet.provfs("assign", MAC, "1=1001@soft")
    return Softphone(tmp_path_factory.mktemp("linphone"), lighttpd.url(f"{MAC}.cfg"))


def test_registers_with_digest(phone, registrar):
    phone.run_until(lambda: registrar.said(rf"registered 1001 as .* at port {registrar.ports[0]}"))
    [(name, expires)] = set(registrar.said(rf"registered 1001 as (.*) for (\d+) at port {registrar.ports[0]}"))
    assert expires == "333"
    assert re.sub(r"\\(.)", r"\1", name.strip('"')) == NAME or name == f'"{NAME}"'


def test_follows_the_sip_server_at_its_next_start(phone, registrar, fleet):
    fleet.provfs("set", "profile", "soft", f"sip.port={registrar.ports[1]}")
    phone.run_until(lambda: registrar.said(rf"registered 1001 as .* at port {registrar.ports[1]}"))


def test_a_wrong_password_is_refused(phone, registrar, fleet):
    """So the digest above was made from the password in the file."""
    fleet.provfs("set", "account", "1001@soft", "sip.password=another")
    before = len(registrar.said("registered 1001"))
    phone.run_until(lambda: registrar.said(rf"refused 1001 at port {registrar.ports[1]}"))
    assert len(registrar.said("registered 1001")) == before
