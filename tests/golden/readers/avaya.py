"""Avaya: scripts of SET statements, of which "# word" is a label; 12xx: a word, a blank and the value, under sections in some files."""
import re
import xml.etree.ElementTree as ET

COMMON = {"c81fea000001": ["J100Supgrade.txt", "46xxsettings.txt", "c81fea000001-directory.xml"], "c81fea000003": ["96x1Supgrade.txt"],
          "c81fea000004": ["1230SIP.cfg"]}
WHERE_SET = r"FORCE_WEB_ADMIN_PASSWORD|ADMIN_PASSWORD|TLSSRVR|HTTPSRVR|HTTPPORT|HTTPDIR|BAKLIGHTOFF|PHONEKEY|VMAIL"
FULL = "phone.admin_password=Adm1nSecret 'key.2.label=李雷 & Söhne' 'key.3.label=Front Desk <1> & $2' 'module.1.key.2.label=Module 2'"
HOSTILE = ["avaya-j139"]


def statements(lines):
    for line in lines:
        if line.startswith("## "):
            continue
        m = re.fullmatch(r'SET (\w+) "([^"]*)"|(GET) (\S+)', line)
        assert m, f"no statement: {line!r}"
        yield (m[1], m[2]) if m[1] else (m[3], m[4])


def words(lines):
    section = ""
    for line in lines:
        assert len(line.encode()) < 80, f"80 characters or more: {line!r}"
        if re.fullmatch(r"\[\w+\]", line):
            section = line[1:-1] + "/"
        elif line:
            key, sep, value = line.partition(" ")
            assert sep and value == value.strip(), f"no pair: {line!r}"
            yield section + key, value


def read(name, data):
    if name.endswith(".xml"):
        root = ET.fromstring(data)
        assert root.tag == "IPPhoneDirectory"
        return [(e.findtext("LastName"), e.findtext("PhoneNumbers/Phone/Number")) for e in root]
    lines = data.decode().split("\n")
    assert lines.pop() == "", "a line end at the end"
    return list(statements(lines) if re.match(r"SET |## ", lines[0]) else words(lines))


def account(model, pairs, line, place):
    if model.startswith("avaya-12"):
        user = pairs[f"AUTOLOGIN_ID_KEY{line:02}"].rpartition("@")[0]
        return user, pairs[f"AUTOLOGIN_AUTHID_KEY{line:02}"], pairs[f"AUTOLOGIN_PASSWD_KEY{line:02}"], ""
    return tuple(pairs[k] for k in ("FORCE_SIP_EXTENSION", "FORCE_SIP_USERNAME", "FORCE_SIP_PASSWORD", "DISPLAY_NAME"))


CLIPS = True
ZONE_MODELS = ["avaya-j179", "avaya-1220"]
ZONES_WRONG = {"avaya-j179": ("Australia/Lord_Howe",)}  # summer time is whole hours
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
WEEKDAYS = "Sun Mon Tue Wed Thu Fri Sat".split()


def change(text):
    """Which weekday (L the last), weekday, month, hour, L for local time; or day, month, hour, L."""
    m = re.fullmatch(r"([1-4L])([A-Z]..)([A-Z]..)(\d+)L", text)
    if m:
        week = 5 if m[1] == "L" else int(m[1])
        return "week", MONTHS.index(m[3]) + 1, week, WEEKDAYS.index(m[2]), int(m[4]) * 3600
    m = re.fullmatch(r"(\d+)([A-Z]..)(\d+)L", text)
    return "day", MONTHS.index(m[2]) + 1, int(m[1]), int(m[3]) * 3600


def zone(model, pairs):
    if "TIMEZONE_OFFSET" in pairs:
        return {"offset": int(pairs["TIMEZONE_OFFSET"])}
    sign, hours, minutes = re.fullmatch(r"([+-])(\d+):(\d\d)", pairs["GMTOFFSET"]).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60), "save": 0}
    if pairs["DAYLIGHT_SAVING_SETTING_MODE"] == "2":
        told.update(save=int(pairs["DSTOFFSET"]) * 3600, start=change(pairs["DSTSTART"]), end=change(pairs["DSTSTOP"]))
    return told
