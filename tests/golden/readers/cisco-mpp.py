"""Cisco Multiplatform: a flat profile of elements, as of the SPA; directories are objects of Cisco's XML services."""
import re
import xml.etree.ElementTree as ET

COMMON = {"d0c789100001": ["8851-3PCC.xml", "d0c789100001-phonebook.xml"], "d0c789100002": ["d0c789100002-phonebook.xml"],
          "d0c789100005": ["d0c789100005-phonebook.xml", "d0c789100005-phonebook-2.xml", "d0c789100005-phonebook-3.xml"]}
WHERE_SET = (r"Admin_Password|User_Password|Profile_Rule|Profile_Rule_B|(Block_CID|Block_ANC|DND)_Setting|Cfwd_.*|Default_Ring_.*"
             r"|Screen_Saver_(Enable|Wait)|Back_Light_Timer")
FULL = "'key.2.label=李雷 & Söhne' 'key.3.label=Front \"Desk\" <1> & $2' 'module.1.key.2.label=Module 2'"
HOSTILE = ["cisco-6821-3pcc"]


def read(name, data):
    root = ET.fromstring(data)
    if "-phonebook" in name:
        assert root.tag == "CiscoIPPhoneDirectory" and [e.tag for e in root][:2] == ["Title", "Prompt"]
        return [(e.findtext("Name"), e.findtext("Telephone")) for e in root.iter("DirectoryEntry")]
    assert root.tag == "flat-profile" and b"/>" not in data.split(b"?>", 1)[1], "an empty-element tag"
    pairs = [(e.tag, e.text or "") for e in root]
    assert len({k for k, _ in pairs}) == len(pairs), "an element twice"
    return pairs


def account(model, pairs, line, place):
    return tuple(pairs[f"{k}_{line}_"] for k in ("User_ID", "Auth_ID", "Password", "Display_Name"))


ZONE_MODELS = ["cisco-8841-3pcc", "cisco-9861"]


def change(text):
    """month/day/weekday/time: the first such weekday (1 Monday to 7) on or after the day; weekday 0 the day itself."""
    month, day, weekday, clock = text.split("/")
    hours, minutes, seconds = (int(x) for x in clock.lstrip("-").split(":"))
    at = (-1 if clock.startswith("-") else 1) * (hours * 3600 + minutes * 60 + seconds)
    if weekday == "0":
        return "day", int(month), int(day), at
    if int(day) < 0:
        return "week", int(month), 6 + int(day), int(weekday) % 7, at
    return "from", int(month), int(day), int(weekday) % 7, at


def zone(model, pairs):
    name = "GMT+00:00" if pairs["Time_Zone"] == "GMT" else pairs["Time_Zone"]
    sign, hours, minutes = re.fullmatch(r"GMT([+-])(\d\d):(\d\d)", name).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60), "save": 0}
    if pairs["Daylight_Saving_Time_Enable"].lower() == "yes":
        rule = dict(x.split("=", 1) for x in pairs["Daylight_Saving_Time_Rule"].split(";"))
        hours, minutes, seconds = (int(x) for x in rule["save"].split(":"))
        told.update(save=hours * 3600 + minutes * 60 + seconds, start=change(rule["start"]), end=change(rule["end"]))
    return told


def decode(key, text):
    """A $ would begin a macro: there are two."""
    return text.replace("$$", "$")
