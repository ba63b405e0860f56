"""Flyingvoice: a version line, then `key = value`; a comment begins with # at the start of a line."""
import re
import xml.etree.ElementTree as ET

COMMON = {"0021f2000001": ["0021f2000001-directory.xml"]}
WHERE_SET = (r"static\.auto_provision\.server\..*|static\.security\.user_.*|phone_setting\.backlight_time|static\.network\.(static_dns_enable|\w+_dns)"
             r"|account\.\d+\.(anonymous_call|reject_anonymous_call|dnd\.enable|\w+_fwd\..*|ringtone\..*)")


def read(name, data):
    if name.endswith(".xml"):
        return [(e.tag, e.text or "") for entry in ET.fromstring(data) for e in entry]
    lines = data.decode().split("\n")
    assert lines[0] == "#!version:1.0.0.1" and lines[-1] == ""
    return [tuple(x.split(" = ", 1)) for x in lines[1:-1] if not x.startswith("#")]


def account(model, pairs, line, place):
    return tuple(pairs[f"account.{line}.{k}"] for k in ("user_name", "auth_name", "password", "display_name"))


def zone(model, pairs):
    sign, hours, minutes = re.fullmatch(r"([+-]?)(\d+)(?::(\d\d))?", pairs["local_time.time_zone"]).groups()
    return {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes or 0) * 60)}
