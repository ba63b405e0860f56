"""Fixtures: one inventory, one mount and the servers of each test module, started once and checked at its end."""
import os
import signal
import threading

import pytest

import control
import lib

TEST_MAX_S = 300


def pytest_configure(config):
    if not os.path.exists(lib.PROVFS):
        pytest.exit(f"{lib.PROVFS} is not built", 2)
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.exit("the end-to-end tests need root and /dev/fuse", 2)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nohup has it ignored, and what is started here would inherit that


def pytest_report_header():
    return f"provfs: {lib.PROVFS}{' (sanitizers)' if lib.SANITIZED else ''}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol():
    """A test that hangs, as on a mount that does not answer, is ended by killing what it waits for."""
    watchdog = threading.Timer(TEST_MAX_S, lib.Process.kill_all)
    watchdog.start()
    yield
    watchdog.cancel()


@pytest.fixture(scope="session")
def fleet_db(tmp_path_factory):
    """The sample inventory of 300 devices, imported once."""
    inv = lib.Inventory(tmp_path_factory.mktemp("fleet-db"))
    inv.add_profiles()
    inv.provfs("import", lib.FLEET)
    return inv


@pytest.fixture
def inv(tmp_path):
    """An empty inventory of the test's own."""
    return lib.Inventory(tmp_path / "empty")


@pytest.fixture
def own_fleet(fleet_db, tmp_path):
    """The sample inventory, of the test's own."""
    return lib.copy_inventory(fleet_db, tmp_path / "fleet")


@pytest.fixture(scope="module")
def fleet(fleet_db, tmp_path_factory, request):
    """The sample inventory of the module's own."""
    return lib.copy_inventory(fleet_db, tmp_path_factory.mktemp(request.module.__name__))


@pytest.fixture(scope="module")
def mount(fleet):
    """The module's fleet, mounted as in production."""
    m = lib.Mount(fleet)
    yield m
    m.close()


@pytest.fixture
def mounted(request):
    """A function that mounts an inventory; what is still mounted at the test's end is ended and checked."""
    mounts = []

    def do(inventory, *args, **kwargs):
        mounts.append(lib.Mount(inventory, *args, **kwargs))
        return mounts[-1]

    yield do
    for m in reversed(mounts):
        if m.p.poll() is None:
            m.close()
    for m in mounts:
        lib.unmount(m.path)


def server_fixture(name, **kwargs):
    @pytest.fixture(scope="module", name=name)
    def fixture(fleet, mount):
        s = lib.Server(name, fleet, **kwargs)
        yield s
        s.stop()

    return fixture


lighttpd = server_fixture("lighttpd")
nginx = server_fixture("nginx")
tftpd = server_fixture("tftpd")
dnsmasq = server_fixture("dnsmasq", address="127.0.0.69")


# ---- the control tree


@pytest.fixture(scope="module")
def control_mount(tmp_path_factory, request):
    """The sample inventory of control.py, mounted for administrators; one a module."""
    m = lib.Mount(control.sample(lib.Inventory(tmp_path_factory.mktemp(request.module.__name__) / "inv")), control.admin_options())
    yield m
    m.close()


@pytest.fixture
def tree(control_mount):
    """The control tree of the module's mount, as the sample has it at each test's begin."""
    control.reset(control_mount.inventory)
    return control.Tree(control_mount)


@pytest.fixture
def tree_of(inv, mounted):
    """A function that mounts the sample with the options given: its tree, and its inventory beside."""

    def do(options=None, inventory=None, path=None):
        return control.Tree(mounted(inventory or control.sample(inv), options or control.admin_options(), path=path))

    return do
