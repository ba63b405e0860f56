"""Htek: elements of P codes in hl_provision/config."""
import re
import xml.etree.ElementTree as ET

COMMON = {"001fc1000001": ["001fc1000001-phonebook.xml"]}
WHERE_SET = (r"P(2|196|212|237|1360|1361|53100|53101|53110|53111|53120|53121|53124|8683|8721|8950|8951|20051|20052"
             r"|65|421|521|621|1721|1821|129|446|1846|1946|20446|20447)")
HOSTILE = ["htek-uc902"]


def read(name, data):
    root = ET.fromstring(data)
    if root.tag == "PhoneDirectory":
        return [(e.findtext("Name"), e.findtext("Telephone")) for e in root.iter("DirectoryEntry")]
    assert root.tag == "hl_provision" and [e.tag for e in root] == ["config"] and root[0].get("version") == "1"
    pairs = [(e.tag, e.text or "") for e in root[0]]
    assert all(re.fullmatch(r"P\d+", k) for k, _ in pairs) and len(dict(pairs)) == len(pairs), "a number twice"
    return pairs


def account(model, pairs, line, place):
    numbers = (("P35", "P36", "P34", "P3"), ("P735", "P736", "P734", "P703"), ("P504", "P505", "P506", "P507"),
               ("P604", "P605", "P606", "P607"), ("P1704", "P1705", "P1706", "P1707"), ("P1804", "P1805", "P1806", "P1807"))
    return tuple(pairs[k] for k in numbers[line - 1])


# They have no place in the phone's list.
ZONES_WRONG = ["Asia/Kathmandu", "Australia/Eucla", "Pacific/Kiritimati", "Pacific/Marquesas"]
MINUTES = {105: -660, 2: -600, 3: -540, 6: -480, 10: -420, 13: -360, 14: -360, 18: -300, 19: -270, 20: -240, 26: -210, 30: -180, 31: -120,
           32: -60, 33: 0, 39: 0, 49: 60, 50: 60, 52: 60, 57: 120, 73: 180, 74: 210, 77: 240, 83: 300, 84: 330, 85: 360, 88: 420, 89: 480,
           93: 540, 94: 570, 96: 600, 100: 630, 101: 660, 102: 720, 103: 765, 104: 780}


def zone(model, pairs):
    return {"offset": MINUTES[int(pairs["P64"])] * 60}
