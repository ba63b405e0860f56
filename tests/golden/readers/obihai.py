"""Obihai: objects with parameters; an object's name ends with a dot."""
import xml.etree.ElementTree as ET

COMMON = {"9cadef000001": ["OBi1062.xml"], "9cadef000002": ["OBi202.xml"]}
WHERE_SET = (r"DeviceInfo\.WebServer\..*|X_DeviceManagement\.ITSPProvisioning\.(ConfigURL|Username|Password)|VoiceService\.1\.Phone\.LineKey\..*"
             r"|.*\.CallingFeatures\.(CallForward.*|DoNotDisturbEnable|AnonymousCallBlockEnable)")
HOSTILE = ["obihai-obi1022"]


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == "ParameterList"
    pairs = []
    for o in root:
        assert o.tag == "Object" and o[0].tag == "Name" and o[0].text.endswith(".")
        for p in o[1:]:
            assert p.tag == "ParameterValueStruct" and [e.tag for e in p] == ["Name", "Value"]
            pairs.append((o[0].text + p[0].text, p[1].text or ""))
    return pairs


def account(model, pairs, line, place):
    base = f"VoiceService.1.VoiceProfile.1.Line.{line}."
    return tuple(pairs[base + k] for k in ("SIP.URI", "SIP.AuthUserName", "SIP.AuthPassword", "CallingFeatures.CallerIDName"))


def zone(model, pairs):
    return None
