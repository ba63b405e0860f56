"""Fanvil: modules in <>, list heads in --, `key:value` up to the end of the line; blanks around both do not count."""
import re
import xml.etree.ElementTree as ET

COMMON = {"0c383e000001": ["F0V5UV200000.cfg", "0c383e000001-phonebook.xml"], "0c383e000003": ["f0X4hw1.100.cfg"]}
WHERE_SET = (r"MMI CONFIG MODULE/.*/Account\d .*|.*/(Default|Download) (Username|Password)"
             r"|.*/(Flash Server IP|Flash File Name|Flash Protocol|Config File Name|Download Server IP|Download Protocol)"
             r"|.*/SIP\d+ ((Always|Busy|No Answer) FWD|(Always|Busy|NoAnswer) FWD N(um)?|FWD Timer|Ban Anonymous|Enable DND)"
             r"|.*/(Ring Type|LCD Title|Backlight Off Time|Timeout To Screensaver|ScrnSaver Wait Time)")
HOSTILE = ["fanvil-x3s"]


def read(name, data):
    if name.endswith(".xml"):
        book = ET.fromstring(data)
        return [(e.findtext("Name"), e.findtext("Telephone")) for e in book.iter("DirectoryEntry")]
    lines = data.decode().split("\r\n")
    assert re.fullmatch(r"<<VOIP CONFIG FILE>>Version:2\.\d+", lines[0]) and lines[-2:] == ["<<END OF FILE>>", ""]
    pairs, module, head = [], None, ""
    for line in lines[1:-2]:
        if m := re.fullmatch(r"<([A-Z][A-Za-z0-9 ]+)>", line):
            module, head = m.group(1), ""
        elif m := re.fullmatch(r"(--.*--) *:", line):
            head = m.group(1)
        else:
            key, sign, value = line.partition(":")
            assert module and key and sign, line
            pairs.append((f"{module}/{head}/{key.strip()}", value.strip(" \t")))
    return pairs


def account(model, pairs, line, place):
    keys = ("Phone Number", "Register User", "Register Pswd", "Display Name")
    return tuple(pairs[f"SIP CONFIG MODULE/--SIP Line List--/SIP{line} {k}"] for k in keys)


CLIPS = True
ZONE_MODELS = ["fanvil-x5u-v2", "fanvil-x4"]


def zone(model, pairs):
    p = {k.rsplit("/", 1)[1]: v for k, v in pairs.items()}
    told = {"offset": int(p["Time Zone"]) * 900, "save": 0}
    sign, hours, minutes = re.fullmatch(r"UTC(?:([+-])(\d+)(?::(\d\d))?)?", p["Time Zone Name"]).groups()
    assert (-1 if sign == "-" else 1) * (int(hours or 0) * 3600 + int(minutes or 0) * 60) == told["offset"], p["Time Zone Name"]
    if p.get("DST Type", p.get("Enable DST")) == "2":
        changes = [("week", *(int(p[f"DST {end} {k}"]) for k in ("Mon", "Week", "Wday")), int(p[f"DST {end} Hour"]) * 3600)
                   for end in ("Start", "End")]
        told.update(save=int(p["DST Min Offset"]) * 60, start=changes[0], end=changes[1])
    return told
