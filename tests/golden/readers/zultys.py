"""Zultys: sections with pairs; a comment begins with a semicolon at the start of a line. The user logs in by its own name."""
from .zenitel import sections

COMMON = {"0008a1000001": ["ZIP2x2_common.cfg"]}
WHERE_SET = r"GENERAL_INFO/password|NET_CONFIG/\w+_dns"


def read(name, data):
    return sections(data.decode(), ";")


def account(model, pairs, line, place):
    user = pairs["SIP_CONFIG/device_id"]
    return user, user, pairs["SIP_CONFIG/auth_password"], pairs["SIP_CONFIG/display_name"]


def zone(model, pairs):
    return {"offset": int(pairs["GENERAL_INFO/timezone"]) * 60}
