"""Alcatel-Lucent: <setting id= value=>; the old phones have an ini."""
import re
import xml.etree.ElementTree as ET

COMMON = {"3c28a6000001": ["config.M7.xml"], "00809f000001": ["lanpbx.cfg", "sipconfig.txt"]}
WHERE_SET = (r"DeviceProvisionServer\w+|DeviceSecurity(Admin|User)\w+|SettingWallpaperUploadUrl|LocalEnetcfgDmUrl|WebUserPasswd|DmAdminPasswd|DeviceNetworkDns\d"
             r"|FeatureDndEnable\d+|Account\d+(Imm|Busy|NoReply)Fwd\w+|appl/admin_password")


def sections(text, comment):
    """Pairs of an ini; a key stands once in its section."""
    pairs, section = {}, None
    for line in text.split("\n"):
        if line.startswith("["):
            section = re.fullmatch(r"\[(.+)\]", line)[1]
        elif line and not line.startswith(comment):
            key, equals, value = line.partition("=")
            assert equals and section, f"no pair: {line!r}"
            assert (section, key) not in pairs, f"twice: {line!r}"
            pairs[section, key.strip(" ")] = value.strip(" ")
    return [(f"{section}/{key}", value) for (section, key), value in pairs.items()]


def read(name, data):
    if data.startswith(b"<?xml"):
        root = ET.fromstring(data)
        assert root.tag == "settings" and all(e.tag == "setting" for e in root)
        ids = [e.get("id") for e in root]
        assert len(ids) == len(set(ids)), "an id is there twice"
        return [(e.get("id"), e.get("value")) for e in root]
    if name == "lanpbx.cfg":
        return [tuple(data.decode()[:-1].split("=", 1))]
    return sections(data.decode(), "#")


def account(model, pairs, line, place):
    if "sip/user_name" in pairs:
        return tuple(pairs[f"sip/{k}"] for k in ("user_name", "authentication_name", "authentication_password", "display_name"))
    if "Account1Enable" in pairs:
        return tuple(pairs[f"Account{line}{k}"] for k in ("UserName", "RegName", "Password", "DisplayName"))
    return tuple(pairs[f"SIPGroup{line}{k}"] for k in ("DeviceUri", "AuthenticationName", "AuthenticationPassword", "DisplayName"))


ZONE_MODELS = ["ale-m7", "ale-h6", "ale-4038"]


def zone(model, pairs):
    if "sntp/timezone" in pairs:
        return {"offset": int(pairs["sntp/timezone"].split(":")[2]) * 60}
    text = pairs.get("SettingTimeZone") or pairs["DmAdmcfgTimeZone"]
    sign, hours, minutes = re.fullmatch(r"([+-])(\d+):(\d\d)", text).groups()
    return {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes) * 60)}


HOSTILE = ["ale-m7", "ale-h6", "ale-4038"]
