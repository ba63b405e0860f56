"""Zultys: sections with pairs; a comment begins with a semicolon at the start of a line. The user logs in by its own name."""
import re

COMMON = {"0008a1000001": ["ZIP2x2_common.cfg"]}
WHERE_SET = r"GENERAL_INFO/password|NET_CONFIG/\w+_dns"


def sections(text, comment):
    """Pairs of an ini; a key stands once in its section."""
    pairs, section = {}, None
    for line in text.split("\n"):
        if line.startswith("["):
            section = re.fullmatch(r"\[(.+)\]", line)[1]
        elif line and not line.startswith(comment):
            key, equals, value = line.partition("=")
            assert equals and section, f"no pair: {line!r}"
            assert (section, key) not in pairs, f"twice: {line!r}"
            pairs[section, key.strip(" ")] = value.strip(" ")
    return [(f"{section}/{key}", value) for (section, key), value in pairs.items()]


def read(name, data):
    return sections(data.decode(), ";")


def account(model, pairs, line, place):
    user = pairs["SIP_CONFIG/device_id"]
    return user, user, pairs["SIP_CONFIG/auth_password"], pairs["SIP_CONFIG/display_name"]


def zone(model, pairs):
    return {"offset": int(pairs["GENERAL_INFO/timezone"]) * 60}
