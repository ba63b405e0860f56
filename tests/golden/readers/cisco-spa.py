"""Cisco SPA: a flat profile of elements; an empty-element tag is not understood by all firmware."""
import re
import xml.etree.ElementTree as ET

COMMON = {"d0c789000001": ["spa504G.cfg", "d0c789000001-phonebook.xml"], "000e08000002": ["init.cfg"]}
BOOK = "{mac}-phonebook.xml"
WHERE_SET = (r"Admin_Passwd|User_Password|Web_Login_.*|Profile_Rule|Profile_Rule_B|(Primary|Secondary)_DNS|Ring10|Default_Ring_.*|(Block_|DND_|Cfwd_).*"
             r"|Screen_Saver_.*|Select_.*|BMP_Picture_Download_URL|Text_Logo")
FULL = "'key.2.label=李雷 & Söhne' 'key.3.label=Front \"Desk\" <1> & $2' 'module.1.key.2.label=Module 2'"


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == "flat-profile" and b"/>" not in data.split(b"?>", 1)[1], "an empty-element tag"
    return [(e.tag, e.text or "") for e in root.iter() if e is not root and len(e) == 0]


def contacts(data):
    root = ET.fromstring(data)
    assert root.tag == "CiscoIPPhoneDirectory" and b"/>" not in data
    return [(e.find("Name").text, e.find("Telephone").text) for e in root.findall("DirectoryEntry")]


def account(model, pairs, line, place):
    return tuple(pairs[f"{k}_{line}_"] for k in ("User_ID", "Auth_ID", "Password", "Display_Name"))


ZONE_MODELS = ["cisco-spa504g", "cisco-spa942", "cisco-spa112", "cisco-pap2t"]


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
    sign, hours, minutes = re.fullmatch(r"GMT([+-])(\d\d):(\d\d)", pairs["Time_Zone"]).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60), "save": 0}
    if pairs["Daylight_Saving_Time_Enable"].lower() == "yes":
        rule = dict(x.split("=", 1) for x in pairs["Daylight_Saving_Time_Rule"].split(";"))
        hours, minutes, seconds = (int(x) for x in rule["save"].split(":"))
        told.update(save=hours * 3600 + minutes * 60 + seconds, start=change(rule["start"]), end=change(rule["end"]))
    return told


def decode(key, text):
    """A $ would begin a macro: there are two."""
    return text.replace("$$", "$")
