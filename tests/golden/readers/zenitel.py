"""Zenitel: sections with pairs."""
import re

COMMON = {"001385000001": ["ipst_config.cfg"]}


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
    return sections(data.decode(), "#")


def account(model, pairs, line, place):
    return tuple(pairs[f"sip/{k}"] for k in ("sip_id", "auth_user", "auth_pwd", "nick_name"))


def zone(model, pairs):
    """A station has no clock to set."""
