"""Escene: settings are attributes; what stands several times has an id."""
import xml.etree.ElementTree as ET

COMMON = {"00268b000001": ["00268b000001_Extern.xml", "00268b000001_Phonebook.xml"]}
WHERE_SET = (r"privision\.(protocol|Firmware|username|password)|password\..*|dsp\.CurrentRingName|lcd\.CloseLightTime"
             r"|call\.(AvoidDisturbEnableFlag|Unconditional\w*|busytransfer\w*|UnAnswer\w*|RingFrequency)|sipUser\.\d+\.Anonymous\w+")


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == "all"
    pairs = []
    for element in root.iter():
        prefix = element.tag + (f".{element.get('id')}" if element.get("id") else "")
        pairs += [(f"{prefix}.{k}", v) for k, v in element.attrib.items() if k != "id"]
    return pairs


def account(model, pairs, line, place):
    return tuple(pairs[f"sipUser.{line - 1}.{k}"] for k in ("UserNumber", "approveName", "Password", "UserName"))


CLIPS = True
# Hours of the numbers that the phone's list gives to places of these offsets.
OFFSETS = {0: -12, 1: -11, 2: -10, 3: -9, 4: -8, 5: -7, 6: -6, 7: -5, 58: -4.5, 8: -4, 43: -3.5, 9: -3, 10: -2, 11: -1, 12: 0, 13: 1, 14: 2, 15: 3,
           47: 3.5, 16: 4, 108: 4.5, 17: 5, 26: 5.5, 18: 6, 46: 6.5, 19: 7, 20: 8, 21: 9, 44: 9.5, 22: 10, 119: 10.5, 23: 11, 24: 12, 121: 12.75,
           25: 13}
ZONES_WRONG = ("Asia/Kathmandu", "Australia/Eucla", "Pacific/Kiritimati", "Pacific/Marquesas")  # not in the list


def change(pairs, which):
    get = lambda k: int(pairs[f"systime.{k}"])
    if get("DSTtype") == 0:
        return "day", get(f"DST{which}Month"), get(f"DST{which}Day"), get(f"DST{which}Hour") * 3600
    return ("week", get(f"DSTWeek{which}Month"), get(f"DSTWeek{which}InMonth"), get(f"DSTWeek{which}Week"),
            get(f"DSTWeek{which}Hour") * 3600)


def zone(model, pairs):
    told = {"offset": int(OFFSETS[int(pairs["systime.TimeZoneType"])] * 3600), "save": 0}
    if pairs["systime.DaylightSaveingFlag"] == "1":
        told.update(save=int(pairs["systime.Offset"]) * 60, start=change(pairs, "Start"), end=change(pairs, "End"))
    return told


# Each attribute has a place of its own.
ABRIDGED = r"ldap\..*Attribites\d"
