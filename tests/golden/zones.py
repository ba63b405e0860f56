#!/usr/bin/env python3
"""Compares what the files say about time zones with Python's zoneinfo: the offset, and when summer time begins and ends.

usage: zones.py [--only VENDOR] PROVFS [DATADIR]

readers/VENDOR.py has, beside what run.py says,
  zone(model, pairs)  what a main file says of its zone, as the firmware takes it (seconds everywhere, 0 is Sunday):
      {"iana": "Europe/Vienna"}                                   the name
      {"posix": "CET-1CEST,M3.5.0,M10.5.0/3"}                     a rule of POSIX
      {"offset": 3600}                                            the offset of winter; summer time is the phone's own, or not told
      {"offset": 3600, "save": 3600, "start": C, "end": C}        both; without summer time save is 0
    A change C is in local time of what was before it:
      ("week", month, week, weekday, seconds)     week 5 is the last
      ("from", month, day, weekday, seconds)      the first such weekday on or after the day
      ("day", month, day, seconds)
    None: the firmware has no zone in its files.
  ZONE_MODELS         the models to ask, where not the first one of the inventory
  ZONE_FILE           the file that has it, where not the main one: "{mac}-x.cfg"
  ZONES_WRONG         zones that the notation cannot say, where it matters: they have to fail; or {model: zones}
  CLIPS               True: the notation has whole hours from 0 to 23 only; a change is off by no more than that makes it
"""
import argparse
import calendar
import concurrent.futures
import datetime
import functools
import os
import sys
import tempfile
import time
import zoneinfo
from pathlib import Path

from run import FAULTS, Inventory, Provfs, datadir_of, load_reader, vendors_of

HERE = Path(__file__).resolve().parent
ZONES = """
Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos America/Argentina/Buenos_Aires America/Asuncion America/Caracas America/Chicago
America/Denver America/Halifax America/Havana America/Los_Angeles America/Mexico_City America/New_York America/Nuuk America/Phoenix America/Santiago
America/Sao_Paulo America/St_Johns Antarctica/Troll Asia/Beirut Asia/Gaza Asia/Jerusalem Asia/Kathmandu Asia/Kolkata Asia/Pyongyang Asia/Tehran
Asia/Tokyo Atlantic/Azores Australia/Adelaide Australia/Brisbane Australia/Eucla Australia/Lord_Howe Australia/Sydney Etc/UTC Europe/Chisinau
Europe/Dublin Europe/Istanbul Europe/London Europe/Vienna Pacific/Apia Pacific/Auckland Pacific/Chatham Pacific/Easter Pacific/Kiritimati
Pacific/Marquesas Pacific/Norfolk Pacific/Pago_Pago
""".split()
UTC = datetime.timezone.utc
HOUR, DAY = 3600, 86400


# ---- what is true ------------------------------------------------------------------------------------------------


def offset_at(zone, t):
    return int(datetime.datetime.fromtimestamp(t, UTC).astimezone(zoneinfo.ZoneInfo(zone)).utcoffset().total_seconds())


@functools.lru_cache(None)
def true_changes(zone, year):
    """(instant, offset from then on) of a year in UTC, by halving."""
    t, end, changes = calendar.timegm((year, 1, 1, 0, 0, 0)), calendar.timegm((year + 1, 1, 1, 0, 0, 0)), []
    while t < end:
        after = min(t + 7 * DAY, end)
        if offset_at(zone, after) != offset_at(zone, t):
            low, high = t, after
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset_at(zone, middle) == offset_at(zone, t) else (low, middle)
            changes.append((high, offset_at(zone, high)))
        t = after
    return changes


@functools.lru_cache(None)
def years(zone):
    """This year and two more. What the database has for these may follow the moon (Morocco) or a decree, and no rule: then the same
    years 400 later, of the same calendar, when the rule holds that the database gives for the time after."""
    now, cycle = time.gmtime().tm_year, 146097 * DAY
    near = range(now, now + 3)
    far = range(now + 400, now + 403)
    regular = all([(t + cycle, o) for t, o in true_changes(zone, n)] == true_changes(zone, f) for n, f in zip(near, far))
    return near if regular else far


def footer(zone):
    for folder in zoneinfo.TZPATH:
        path = Path(folder) / zone
        if path.exists():
            return path.read_bytes().rstrip(b"\n").rsplit(b"\n", 1)[1].decode()
    raise AssertionError(f"no file of {zone}")


def clipping(zone):
    """By how much whole hours from 0 to 23 miss the zone's changes, at most."""
    worst = 0
    for change in footer(zone).split(",")[1:]:
        sign, words = (-1, change.partition("/")[2].lstrip("-")) if "/-" in change else (1, change.partition("/")[2])
        parts = [int(x) for x in (words or "2").split(":")] + [0, 0]
        seconds = sign * (parts[0] * HOUR + parts[1] * 60 + parts[2])
        worst = max(worst, abs(seconds - min(max(seconds, 0), 23 * HOUR) // HOUR * HOUR))
    return worst


# ---- what a file says --------------------------------------------------------------------------------------------


def day_of(change, year):
    """Midnight of a change's day, as if it were UTC."""
    kind, month, *rest = change[:-1]
    first = datetime.date(year, month, 1)
    if kind == "day":
        date = first.replace(day=rest[0])
    elif kind == "from":
        date = first.replace(day=rest[0])
        date += datetime.timedelta((rest[1] - (date.weekday() + 1)) % 7)
    else:
        week, weekday = rest
        date = first + datetime.timedelta((weekday - (first.weekday() + 1)) % 7 + 7 * (week - 1))
        while date.month != month:
            date -= datetime.timedelta(7)
    return calendar.timegm(date.timetuple())


def told_changes(told, year):
    summer = told["offset"] + told["save"]
    return sorted([(day_of(told["start"], year) + told["start"][-1] - told["offset"], summer),
                   (day_of(told["end"], year) + told["end"][-1] - summer, told["offset"])])


def winter(zone):
    return min(offset_at(zone, calendar.timegm((years(zone)[0], month, 1, 0, 0, 0))) for month in range(1, 13))


def compare_rule(zone, told, allowed):
    for year in years(zone):
        true, said = true_changes(zone, year), told_changes(told, year) if told["save"] else []
        assert len(true) == len(said), f"{year}: {said} is not {true}"
        for (t, offset), (s, said_offset) in zip(true, said):
            assert offset == said_offset and abs(t - s) <= allowed, \
                f"{year}: at {time.asctime(time.gmtime(s))} to {said_offset}, which is at {time.asctime(time.gmtime(t))} to {offset}"


def compare(zone, told, clips):
    if "iana" in told:
        assert told["iana"] == zone, told
    elif "posix" in told:
        assert told["posix"] == footer(zone), told
    else:
        assert told["offset"] == winter(zone), f"{told} is not {winter(zone)}"
        if "save" in told:
            compare_rule(zone, told, clipping(zone) if clips else 0)


# ---- asking ------------------------------------------------------------------------------------------------------


def check_model(provfs, reader, model, number):
    """Yields a message for each zone that is wrong."""
    clips = getattr(reader, "CLIPS", False)
    macs = {zone: f"02ab{number:02x}{i:06x}" for i, zone in enumerate(ZONES)}
    provfs("apply", "-", stdin="".join(f"add device {mac} model={model} time.zone={zone}\n" for zone, mac in macs.items()))
    wrong = getattr(reader, "ZONES_WRONG", ())
    wrong = wrong.get(model, ()) if isinstance(wrong, dict) else wrong
    for zone, mac in macs.items():
        name = getattr(reader, "ZONE_FILE", "{mac}.cfg").format(mac=mac)
        data = provfs("render", mac, *([name] if hasattr(reader, "ZONE_FILE") else []))
        try:
            told = reader.zone(model, dict(reader.read(name, data)))
            if told:
                compare(zone, told, clips)
                if zone in wrong:
                    yield f"{model} {zone}: is right, and in ZONES_WRONG"
        except FAULTS as e:
            if zone not in wrong:
                yield f"{model} {zone}: {e!r}"


def check_vendor(vendor, program, datadir):
    reader = load_reader(vendor)
    if not hasattr(reader, "zone"):
        return [f"readers/{vendor}.py has no zone()"]
    inventory = Inventory((HERE / "inventory" / f"{vendor}.txt").read_text(encoding="utf-8"))
    models = getattr(reader, "ZONE_MODELS", list(inventory.models.values())[:1])
    with tempfile.TemporaryDirectory(prefix="provfs-zones-") as folder:
        provfs = Provfs(program, datadir_of(vendor, datadir, folder), folder)
        return [message for i, model in enumerate(models) for message in check_model(provfs, reader, model, i)]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--only", action="append", metavar="VENDOR")
    parser.add_argument("provfs")
    parser.add_argument("datadir", nargs="?", default=HERE.parents[1])
    options = parser.parse_args()
    vendors = options.only or vendors_of(options.datadir)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda v: check_vendor(v, os.path.abspath(options.provfs), options.datadir), vendors)
        messages = [message for result in results for message in result]
    for message in messages:
        print(f"FAILED {message}")
    print("all zones passed" if not messages else f"{len(messages)} failed")
    sys.exit(1 if messages else 0)


if __name__ == "__main__":
    main()
