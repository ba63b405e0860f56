"""Poly: settings are attributes, whatever element they stand in."""
import xml.etree.ElementTree as ET

COMMON = {"0004f2000001": ["0004f2000001-user.cfg", "000000000000.cfg", "0004f2000001-directory.xml"]}
BOOK = "{mac}-directory.xml"
WHERE_SET = (r"device\.(auth|prov|dns|net\.dot1x)\..*|device\.dhcp\.bootSrvUseOpt.*|httpd\.cfg\.secureTunnelRequired|dialplan\.digitmap|up\..*|bg\..*"
             r"|divert\..*|dir\.corp\.attribute\..*|reg\.\d+\.ringType|se\.rt\..*|voIpProt\.SIP\.alertInfo\.\d\..*|attendant\..*|lineKey\..*|efk\..*|feature\.(E|enhancedF).*")
HOSTILE = ["poly-vvx150"]


def read(name, data):
    return [pair for element in ET.fromstring(data).iter() for pair in element.attrib.items()]


def contacts(data):
    root = ET.fromstring(data)
    assert (root.tag, root[0].tag) == ("directory", "item_list") and all(len(i.find("ln").text) <= 40 for i in root[0])
    return [(i.find("ln").text, i.find("ct").text) for i in root[0]]


def account(model, pairs, line, place):
    user, *rest = (pairs[f"reg.{line}.{k}"] for k in ("address", "auth.userId", "auth.password", "displayName"))
    # With a domain of its own the user stands before it.
    return user.rpartition("@")[0] or user, *rest


CLIPS = True
ZONE_MODELS = ["poly-vvx411", "poly-ip501"]
ZONES_WRONG = ("Antarctica/Troll", "Australia/Lord_Howe")  # summer time is an hour


def change(pairs, which):
    prefix = f"tcpIpApp.sntp.daylightSavings.{which}."
    month, hour = int(pairs[prefix + "month"]), int(pairs[prefix + "time"])
    if pairs["tcpIpApp.sntp.daylightSavings.fixedDayEnable"] == "1":
        return "day", month, int(pairs[prefix + "date"]), hour * 3600
    weekday = int(pairs[prefix + "dayOfWeek"]) - 1
    if pairs[prefix + "dayOfWeek.lastInMonth"] == "1":
        return "week", month, 5, weekday, hour * 3600
    return "from", month, int(pairs[prefix + "date"]), weekday, hour * 3600


def zone(model, pairs):
    told = {"offset": int(pairs["tcpIpApp.sntp.gmtOffset"]), "save": 0}
    if pairs["tcpIpApp.sntp.daylightSavings.enable"] == "1":
        told.update(save=3600, start=change(pairs, "start"), end=change(pairs, "stop"))
    return told
