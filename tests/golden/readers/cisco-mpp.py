"""Cisco Multiplatform: a flat profile of elements, as of the SPA; directories are objects of Cisco's XML services."""
import xml.etree.ElementTree as ET

import readers

SPA = readers.load("cisco-spa")
account, decode = SPA.account, SPA.decode

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


ZONE_MODELS = ["cisco-8841-3pcc", "cisco-9861"]


def zone(model, pairs):
    name = "GMT+00:00" if pairs["Time_Zone"] == "GMT" else pairs["Time_Zone"]
    return SPA.zone(model, {**pairs, "Time_Zone": name})
