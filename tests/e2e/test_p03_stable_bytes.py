"""P3: nothing in a file depends on who asks, nor on the clock but for scheduled settings. Equal inventory, equal bytes."""
import datetime
import os
import re
import time

import lib

NAME = "001565000007.cfg"
TICK_S = 0.02  # time(2) may be a tick of the kernel behind


def all_files(mount):
    return {name: mount.read(name) for name in sorted(os.listdir(mount.path))}


def test_equal_inventories_give_equal_files(fleet_db, own_fleet, mount, inv, mounted):
    inv.add_profiles()
    inv.provfs("import", lib.FLEET)
    first, second = all_files(mount), all_files(mounted(inv))
    assert len(first) >= 300 and first == second


def test_two_mounts_and_render_agree(fleet, mount, mounted):
    second = mounted(fleet, path=fleet.parent / "second")
    assert all_files(mount) == all_files(second)
    assert mount.read(NAME) == fleet.render(NAME[:12]) == second.read(NAME)


def test_who_asks_does_not_matter(mount):
    as_root = mount.read(NAME)
    with lib.as_user(65534):
        assert mount.read(NAME) == as_root


def test_a_second_read_is_the_same(mount):
    first = all_files(mount)
    assert all_files(mount) == first


def test_a_scheduled_value_counts_from_its_second_on(fleet, mount):
    before = mount.read(NAME)
    at = int(time.time()) + 3
    stamp = datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    fleet.provfs("set", "profile", "office", "--from", stamp, "sip.server=scheduled.example.net")
    looked = 0
    while (now := time.time()) < at + 1:
        data = mount.read(NAME)
        if now >= at + TICK_S:
            assert b"scheduled.example.net" in data, f"{now - at:.3f} s after its second"
        elif time.time() < at:
            assert data == before
        looked += 1
    assert looked > 100 and os.stat(mount.path / NAME).st_mtime >= at


def test_a_thousand_renders_in_two_places(inv, mounted):
    """Every vendor's golden devices, rendered anew at each look-up by a mount that remembers few names, and by commands of
    another machine's time zone and language."""
    golden = lib.ROOT / "tests/golden/inventory"
    for i, path in enumerate([golden / "common.txt"] + sorted(p for p in golden.glob("*.txt") if p.name != "common.txt")):
        commands = path.read_text(encoding="utf-8")
        for n, mac in enumerate(re.findall(r"^add device (\S+)", commands, re.M)):
            commands = commands.replace(mac, f"02{i:02x}0000{n:04x}")  # vendors may have devices of one MAC
        for name in re.findall(r"^add account (\S+)", commands, re.M) if path.name != "common.txt" else []:
            commands = commands.replace(name, f"{path.stem}-{name}")  # vendors may have accounts of one name
        inv.provfs("apply", "-", stdin=commands)
    inv.env.update(TZ="America/St_Johns", LC_ALL="C")
    mount = mounted(inv, "ro,allow_other,view=phones,names=4,cache_mb=1", env={"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8"})
    macs = inv.provfs("list", "devices", "-q").split()
    first = {mac: mount.read(f"{mac}.cfg") for mac in macs}
    renders = len(macs)
    while renders < 1000:
        for mac in macs:
            assert mount.read(f"{mac}.cfg") == first[mac], mac
        renders += len(macs)
    assert len(macs) >= 50
    for mac in macs[::4]:
        assert inv.render(mac) == first[mac], mac
