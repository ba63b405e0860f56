"""Cisco SPA: a flat profile of elements; an empty-element tag is not understood by all firmware."""
import xml.etree.ElementTree as ET

COMMON = {"d0c789000001": ["spa504G.cfg"], "000e08000002": ["init.cfg"]}
WHERE_SET = r"Admin_Passwd|User_Password|Web_Login_.*|Profile_Rule|Profile_Rule_B"


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == "flat-profile" and b"/>" not in data.split(b"?>", 1)[1], "an empty-element tag"
    return [(e.tag, e.text or "") for e in root.iter() if e is not root and len(e) == 0]


def account(model, pairs, line, place):
    return tuple(pairs[f"{k}_{line}_"] for k in ("User_ID", "Auth_ID", "Password", "Display_Name"))
