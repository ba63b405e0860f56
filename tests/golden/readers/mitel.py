"""Mitel: `name: value`; # to the line's end is a comment, but not in double quotes, which are taken off. The last of equal names counts."""
import re

COMMON = {"00085d000001": ["00085d000001-phonebook.csv", "6869i.cfg", "startup.cfg"], "00085d000002": ["00085d000002-phonebook.csv", "aastra.cfg"]}
# Factory where absent: passwords, the way to the files, what belongs to the user, summer time, keys, DNS servers.
WHERE_SET = (r"(admin|user) password|download protocol|(http|https|tftp|ftp) (server|port|path)|backlight mode|bl on time|dst (?!config).*|dns[12]"
             r"|(prgkey|topsoftkey|softkey|expmod\d key)\d+ (type|label|value|line)")
FULL = 'phone.admin_password=4711 phone.user_password=12 key.3.label=Front'
HOSTILE = ["mitel-6863i"]


def value_of(text):
    if text.startswith('"'):
        value, end, rest = text[1:].partition('"')
        assert end and not rest.strip().partition("#")[0], f"something behind the quotes: {text}"
        return value
    assert '"' not in text, f"a double quote in {text}"
    return text.partition("#")[0].strip(" ")


def read(name, data):
    lines = data.decode("utf-8").split("\n")
    assert lines.pop() == "", "a line end at the end"
    if name.endswith(".csv"):
        return [tuple(re.fullmatch(r"([^,]+),([^,]*)", x).groups()) for x in lines]
    pairs = []
    for x in lines:
        if not x.startswith("#"):
            key, sign, text = x.partition(": ")
            assert sign and re.fullmatch(r"[a-z][a-z0-9 |\[\]-]*[a-z0-9\]]", key), f"not a parameter: {x}"
            pairs.append((key, value_of(text)))
    return pairs


def account(model, pairs, line, place):
    assert pairs[f"sip line{line} proxy ip"] != "0.0.0.0"
    return tuple(pairs[f"sip line{line} {k}"] for k in ("user name", "auth name", "password", "display name"))


CLIPS = True
ZONES_WRONG = ("Antarctica/Troll",)  # summer time is an hour at most


def change(pairs, which):
    month, day, hour = (int(pairs[f"dst {which} {k}"]) for k in ("month", "day", "hour"))
    if pairs["dst [start|end] relative date"] == "0":
        return "day", month, day, hour * 3600
    return "week", month, {"-1": 5}.get(pairs[f"dst {which} week"]) or int(pairs[f"dst {which} week"]), day - 1, hour * 3600


def zone(model, pairs):
    assert pairs["time zone name"] == "Custom"
    told = {"offset": -60 * int(pairs["time zone minutes"]), "save": 0}
    if pairs["dst config"] == "3":
        told.update(save=int(pairs["dst minutes"]) * 60, start=change(pairs, "start"), end=change(pairs, "end"))
    return told
