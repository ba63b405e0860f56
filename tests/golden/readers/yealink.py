"""Yealink: a version line, then `key = value`; %NULL% is the empty value."""

import re
import xml.etree.ElementTree as ET

COMMON = {"001565000001": ["y000000000066.cfg", "001565000001-phonebook.xml"]}
BOOK = "{mac}-phonebook.xml"
WHERE_SET = (r"(static\.)?security\.user_password|(static\.)?auto_provision\.server\..*|expansion_module\..*|account\.\d+\.srtp_encryption"
             r"|(static\.)?network\.(static_dns_enable|primary_dns|secondary_dns)"
             r"|features\.(dnd\.enable|dnd_mode|fwd_mode)|account\.\d+\.((always|busy|timeout)_fwd|dnd|ringtone)\..*"
             r"|account\.\d+\.(anonymous_call|reject_anonymous_call)"
             r"|phone_setting\.(backlight_time|backgrounds|lcd_logo\.mode)|screensaver\..*|wallpaper_upload\.url|lcd_logo\.url")
HOSTILE = ["yealink-t21p-e2"]


def read(name, data):
    lines = data.decode().split("\n")
    assert lines[0] == "#!version:1.0.0.1" and lines[-1] == "", "version line, and a line end at the end"
    return [(k, "" if v == "%NULL%" else v) for k, v in (x.split(" = ", 1) for x in lines[1:-1])]


def contacts(data):
    root = ET.fromstring(data)
    assert root.tag == "YealinkIPPhoneDirectory" and root[0].tag == "Title"
    return [(e.find("Name").text, e.find("Telephone").text) for e in root.findall("DirectoryEntry")]


def account(model, pairs, line, place):
    user, *rest = (pairs[f"account.{line}.{k}"] for k in ("user_name", "auth_name", "password", "display_name"))
    # With a domain of its own the user stands before it.
    return user.rpartition("@")[0] or user, *rest


CLIPS = True
ZONE_MODELS = ["yealink-t46s", "yealink-t28p", "yealink-w60b"]


def change(text, by_week):
    parts = [int(x) for x in text.split("/")]
    if by_week:
        month, week, weekday, hour = parts
        return "week", month, week, weekday % 7, hour * 3600
    month, day, hour = parts
    return "day", month, day, hour * 3600


def zone(model, pairs):
    sign, hours, minutes = re.fullmatch(r"([+-]?)(\d+)(?::(\d\d))?", pairs["local_time.time_zone"]).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes or 0) * 60), "save": 0}
    if pairs["local_time.summer_time"] == "1":
        by_week = pairs["local_time.dst_time_type"] == "1"
        told.update(save=int(pairs["local_time.offset_time"]) * 60, start=change(pairs["local_time.start_time"], by_week),
                    end=change(pairs["local_time.end_time"], by_week))
    return told
