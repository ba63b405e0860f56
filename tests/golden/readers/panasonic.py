"""Panasonic: a magic first line, CR LF, NAME="value" without any escape, an empty line at the end; of equal names the first counts.
KX-UTG: XML, with elements named so, in a <Line idx=> for each line."""
import re
import xml.etree.ElementTree as ET

COMMON = {"0080f0000001": ["KX-HDV430.cfg"], "0080f0000003": ["KX-TGP500B04.cfg"]}
WHERE_SET = (r"(ADMIN|USER)_(ID|PASS)|CFG_STANDARD_FILE_PATH|USR_PROV_SVR_(URL|AUTH_ID|AUTH_PASSWORD)|SIP_PRIVACY_\d+"
             r"|\d+/(BLOCK_ANONYMOUS_CALL|DND_ENABLE|FWD_\w+)")
FULL = 'phone.admin_password=admin1 key.3.label=Front'
MAGIC = (b"# Panasonic SIP Phone Standard Format File #", b"# PCC Standard Format File #")
HOSTILE = ["panasonic-kx-hdv130", "panasonic-kx-utg200"]


def read_xml(data):
    root = ET.fromstring(data)
    assert root.tag == "PANASIPPhoneConfig" and [e.tag for e in root] == ["Device"]
    pairs = []
    for place in root.iterfind("Device/*"):
        for e in place.iter():
            if len(e) == 0 and place.tag != "Lines":
                pairs.append((e.tag, e.text or ""))
    for line in root.iterfind("Device/Lines/Line"):
        pairs += [(f"{line.get('idx')}/{e.tag}", e.text or "") for e in line.iter() if len(e) == 0]
    return pairs


def read(name, data):
    if data.startswith(b"<?xml"):
        return read_xml(data)
    assert data.startswith(MAGIC) and data.endswith(b"\r\n\r\n") and len(data) <= 122880, "begin, end and size"
    pairs = {}
    for line in data.split(b"\r\n"):
        assert b"\n" not in line and b"\r" not in line and len(line) <= 535, "a line"
        if line and not line.startswith(b"#"):
            key, value = re.fullmatch(r'([A-Z0-9_]{1,32})="([^"]*)"', line.decode("utf-8")).groups()
            assert len(value.encode()) <= 500
            pairs.setdefault(key, value)
    return list(pairs.items())


def account(model, pairs, line, place):
    if "utg" in model:
        assert pairs[f"{line}/LINE_ENABLE"] == "Yes"
        return tuple(pairs[f"{line}/{k}"] for k in ("PHONE_NUMBER", "SIP_AUTHID", "SIP_PASS", "DISPLAY_NAME"))
    return tuple(pairs[f"{k}_{line}"] for k in ("PHONE_NUMBER", "SIP_AUTHID", "SIP_PASS", "DISPLAY_NAME"))


CLIPS = True
ZONE_MODELS = ["panasonic-kx-ut136", "panasonic-kx-tgp500"]


def change(pairs, which):
    month, week, weekday, minutes = (int(pairs[f"DST_{which}_{k}"]) for k in ("MONTH", "ORDINAL_DAY", "DAY_OF_WEEK", "TIME"))
    return "week", month, week, weekday, minutes * 60


def zone(model, pairs):
    if pairs["LOCAL_TIME_ZONE_POSIX"]:
        return {"posix": pairs["LOCAL_TIME_ZONE_POSIX"]}
    told = {"offset": int(pairs["TIME_ZONE"]) * 60, "save": 0}
    if pairs["DST_ENABLE"] == "Y":
        told.update(save=int(pairs["DST_OFFSET"]) * 60, start=change(pairs, "START"), end=change(pairs, "STOP"))
    return told


def decode(key, text):
    """Attributes of LDAP stand between commas."""
    return text.replace(",", " ") if key.startswith("LDAP_") else text
