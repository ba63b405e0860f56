"""AudioCodes: phones have path=value lines; MediaPack an ini with tables, whose rows have quoted values."""
import re

# The administrator's password is not written; a semicolon may begin a comment.
WHERE_SET = (r"provisioning/(method|configuration/url)|voip/signalling/sip/(anonymous_calls_blocking|block_callerid_on_outgoing_calls)"
             r"|network/lan/(dhcp|fixed_ip)/(primary|secondary)_dns.*|voip/line/\d+/(do_not_disturb|call_forward)/.*|personal_settings/functional_key/\d+/key_event"
             r"|INIFILEURL|CMPFILEURL|AUTOUPDATEPREDEFINEDTIME|ProxyIp \d|CodersGroup0 \d")
FULL = '"key.2.label=Front" "key.3.label=Desk" "paging.1.label=All"'


def row(text):
    """The columns of a table's row: a comma in quotes ends none."""
    assert text.endswith(";"), text
    return [c.strip().strip('"') for c in re.findall(r'(?:"[^"]*"|[^,"])+', text[:-1])]


def read_ini(text):
    pairs, table = [], None
    for line in text.split("\r\n")[:-1]:
        if re.fullmatch(r"\[ \\\w+ \]", line):
            assert table == line[3:-2].strip("\\ "), line
            table = None
        elif re.fullmatch(r"\[ \w+ \]", line):
            table = line[2:-2]
        elif re.fullmatch(r"\[[\w ]+\]", line) or line.startswith("FORMAT "):
            continue
        else:
            key, value = line.split(" = ", 1)
            if table:
                assert key.split(" ")[0] == table and value.endswith(";"), line
            elif value.startswith("'"):
                value = value[1:-1]
            pairs.append((key, value))
    assert table is None
    return pairs


def read(name, data):
    text = data.decode()
    if "\r\n" in text:
        return read_ini(text)
    lines = text.split("\n")
    assert lines[-1] == ""
    return [tuple(x.split("=", 1)) for x in lines[:-1] if not x.startswith(";")]


def account(model, pairs, line, place):
    n = line - 1
    if model.startswith("audiocodes-mp"):
        user = row(pairs[f"TrunkGroup {n}"])[4]
        return (user, *row(pairs[f"Authentication {n}"]), row(pairs[f"CallerDisplayInfo {n}"])[0])
    return tuple(pairs[f"voip/line/{n}/{k}"] for k in ("id", "auth_name", "auth_password", "description"))


CLIPS = True
ZONE_MODELS = ["audiocodes-440hd", "audiocodes-mp118"]
WEEKDAYS = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")


def change(pairs, which):
    date = {k.rsplit("/", 1)[1]: v for k, v in pairs.items() if k.startswith(f"system/daylight_saving/{which}_date/")}
    at = int(date["hour"]) * 3600 + int(date["minute"]) * 60
    if pairs["system/daylight_saving/mode"] == "FIXED":
        return "day", int(date["month"]), int(date["day"]), at
    return "week", int(date["month"]), int(date["week"]), WEEKDAYS.index(date["day_of_week"]), at


def zone(model, pairs):
    if "NTPSERVERUTCOFFSET" in pairs:
        return {"offset": int(pairs["NTPSERVERUTCOFFSET"])}
    sign, hours, minutes = re.fullmatch(r"([+-])(\d\d):(\d\d)", pairs["system/ntp/gmt_offset"]).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60), "save": 0}
    if pairs["system/daylight_saving/activate"] == "ENABLE":
        told.update(save=int(pairs["system/daylight_saving/offset"]) * 60, start=change(pairs, "start"), end=change(pairs, "end"))
    return told


HOSTILE = ["audiocodes-440hd", "audiocodes-mp118"]
