"""Four unmodified servers, each under its own user, with the configurations of data/servers/."""
import os
import shutil
from email.utils import parsedate_to_datetime

import pytest

import lib

YEALINK = "001565000007"  # profile office
ONE_OF_EACH = ["001565000007.cfg", "805ec0000007.cfg", "0004f2000007.cfg", "d0c789000007.cfg", "000e08000007.cfg",
               "02a1b2000007.cfg"]


@pytest.fixture(params=["lighttpd", "nginx"])
def web(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["tftpd", "dnsmasq"])
def tftp(request):
    return request.getfixturevalue(request.param)


def owner_of_children(server):
    pids = lib.children(server.p.pid) or [server.p.pid]
    return {os.stat(f"/proc/{pid}").st_uid for pid in pids}


# ---- HTTP


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_http_bytes_are_those_of_render(web, fleet, name):
    reply = lib.curl(web.url(name))
    assert (reply.status, reply.body) == (200, fleet.render(name[:12]))


def test_http_headers(web, mount):
    reply = lib.curl(web.url(f"{YEALINK}.cfg"))
    st = os.stat(mount.path / f"{YEALINK}.cfg")
    assert int(reply.headers["content-length"]) == st.st_size == len(reply.body)
    assert parsedate_to_datetime(reply.headers["last-modified"]).timestamp() == st.st_mtime
    assert reply.headers["etag"]


def test_http_unchanged_is_304(web):
    first = lib.curl(web.url(f"{YEALINK}.cfg"))
    assert lib.curl(web.url(f"{YEALINK}.cfg"), If_None_Match=first.headers["etag"]).status == 304
    assert lib.curl(web.url(f"{YEALINK}.cfg"), If_Modified_Since=first.headers["last-modified"]).status == 304


def test_http_changed_is_200(web, fleet):
    first = lib.curl(web.url(f"{YEALINK}.cfg"))
    fleet.provfs("set", "profile", "office", f"sip.server={web.name}-changed.example.net")
    for condition in ({"If_None_Match": first.headers["etag"]}, {"If_Modified_Since": first.headers["last-modified"]}):
        reply = lib.curl(web.url(f"{YEALINK}.cfg"), **condition)
        assert reply.status == 200 and f"{web.name}-changed.example.net".encode() in reply.body


def test_http_two_changes_of_equal_length_within_a_second(web, fleet):
    """Neither the size nor, by the clock, the second tells the two apart."""
    seen = []
    for n in range(4):
        fleet.provfs("set", "profile", "office", f"sip.server={web.name}-{n}.example.net")
        condition = {"If_None_Match": seen[-1].headers["etag"]} if seen else {}
        seen.append(lib.curl(web.url(f"{YEALINK}.cfg"), **condition))
        assert seen[-1].status == 200 and f"{web.name}-{n}.example.net".encode() in seen[-1].body
    assert len({r.headers["content-length"] for r in seen}) == 1
    assert len({r.headers["etag"] for r in seen}) == len({r.headers["last-modified"] for r in seen}) == 4
    again = lib.curl(web.url(f"{YEALINK}.cfg"), If_Modified_Since=seen[-2].headers["last-modified"])
    assert again.status == 200 and again.body == seen[-1].body


def test_http_unknown_phone_is_404(web):
    assert lib.curl(web.url("001565ffff01.cfg")).status == 404


def test_http_does_not_list_phones(web):
    assert lib.curl(web.url("")).status in (403, 404)


# ---- TFTP


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_tftp_bytes_are_those_of_render(tftp, fleet, name):
    want = fleet.render(name[:12])
    assert lib.tftp_hpa(tftp, name, fleet.folder) == (want, "")
    assert lib.atftp(tftp, name, fleet.folder)[0] == want
    assert lib.curl_tftp(tftp, name) == (0, want)


def test_tftp_tsize(tftp, fleet):
    want = fleet.render(YEALINK)
    got, trace = lib.atftp(tftp, f"{YEALINK}.cfg", fleet.folder, "tsize 0", "blksize 1428")
    assert got == want and f"tsize: {len(want)}" in trace


def test_tftp_changed(tftp, fleet):
    for n in range(3):
        fleet.provfs("set", "profile", "office", f"sip.server={tftp.name}-{n}.example.net")
        want = fleet.render(YEALINK)
        assert f"{tftp.name}-{n}.example.net".encode() in want
        assert lib.tftp_hpa(tftp, f"{YEALINK}.cfg", fleet.folder)[0] == want


def test_tftp_unknown_phone(tftp, fleet):
    got, said = lib.tftp_hpa(tftp, "001565ffff01.cfg", fleet.folder)
    assert got is None and "not found" in said.lower()


def test_tftp_backslash(tftp, fleet):
    """Some firmwares ask for a path as on Windows."""
    assert lib.tftp_hpa(tftp, f"\\{YEALINK}.cfg", fleet.folder)[0] == fleet.render(YEALINK)


def test_tftp_upper_case(tftp, fleet):
    assert lib.tftp_hpa(tftp, f"{YEALINK.upper()}.CFG", fleet.folder)[0] == fleet.render(YEALINK)


# ---- users, and a remount under running servers


def test_each_server_runs_as_its_own_user(lighttpd, nginx, dnsmasq):
    assert 0 not in owner_of_children(lighttpd) | owner_of_children(nginx) | owner_of_children(dnsmasq)


def test_another_user_may_read_but_not_list(mount):
    with lib.as_user(65534):
        assert mount.read(f"{YEALINK}.cfg")
        with pytest.raises(PermissionError):
            os.listdir(mount.path)


def test_remount_under_running_servers(own_fleet, mounted):
    """in.tftpd serves the new mount, because it was given the parent; unmounted, no server says that the phone is unknown."""
    first = mounted(own_fleet)
    servers = [lib.Server(n, own_fleet) for n in ("tftpd", "lighttpd", "nginx")]
    tftpd, web = servers[0], servers[1:]
    try:
        assert lib.tftp_hpa(tftpd, f"{YEALINK}.cfg", own_fleet.folder)[0] == own_fleet.render(YEALINK)
        first.close()
        own_fleet.phones.chmod(0)
        got, said = lib.tftp_hpa(tftpd, f"{YEALINK}.cfg", own_fleet.folder)
        assert got is None and "not found" not in said.lower()
        assert [lib.curl(s.url(f"{YEALINK}.cfg")).status for s in web] == [403, 403]
        own_fleet.provfs("set", "profile", "office", "sip.server=remounted.example.net")
        mounted(own_fleet)
        want = own_fleet.render(YEALINK)
        assert b"remounted.example.net" in want
        assert lib.tftp_hpa(tftpd, f"{YEALINK}.cfg", own_fleet.folder)[0] == want
        assert [lib.curl(s.url(f"{YEALINK}.cfg")).body for s in web] == [want, want]
    finally:
        for s in servers:
            s.stop()


@pytest.mark.parametrize("name, group", [("lighttpd", "www-data"), ("nginx", "www-data"), ("tftpd", "tftp"), ("dnsmasq", "nogroup")])
def test_the_parent_folder_can_be_for_the_servers_group_only(fleet, mount, request, name, group):
    server = request.getfixturevalue(name)
    shutil.chown(fleet.parent, group=group)
    fleet.parent.chmod(0o750)
    try:
        assert lib.fetch(server, f"{YEALINK}.cfg") == fleet.render(YEALINK)
        with lib.as_user(5), pytest.raises(PermissionError):
            mount.read(f"{YEALINK}.cfg")
    finally:
        fleet.parent.chmod(0o755)
