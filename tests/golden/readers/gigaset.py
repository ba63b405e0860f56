"""Gigaset. A: Latin-1, SYMB_ITEM with ID and value, where a string has double quotes of its own. B and Maxwell: <param name= value=>."""
import datetime
import xml.etree.ElementTree as ET
import zoneinfo

COMMON = {"7c2f80000005": ["provisioning.xml"]}
WHERE_SET = (r"(WebUIAccounts\.1\.Password|BS_CUSTOM\.WebUIPassword|WebUI\.(Admin|User)Password|Provisioning\.global\.ProvisioningServer"
             r"|System\.Provision\.ProvisioningServer|BS_IP_Data1\.aucS_DATA_SERVER\[0\]|BS_IP_Data1\.ucB_USE_DHCP_66_IF_114_NOT_AVAILABLE"
             r"|BS_IP_Data1?\.uiI_TIME_TIMEZONE|System\.DateAndTime\.TimeZone|DmGlobal\.0\.TimeZone|PhoneUI\.Settings\.BacklightTimeout|Telephony\.DnD\.Active|Telephony\.CallDivert\..*)")
FULL = 'phone.admin_password=admin1'
HOSTILE = ["gigaset-n510", "gigaset-n610", "gigaset-maxwell-2"]


def string(value):
    if not value.startswith('"'):
        return value
    assert value.endswith('"') and len(value) >= 2 and '"' not in value[1:-1], f"a string: {value}"
    return value[1:-1]


def read(name, data):
    root = ET.fromstring(data)
    if root.tag == "ProviderFrame":
        assert data.startswith(b'<?xml version="1.0" encoding="ISO-8859-1"?>')
        provider = root.find("Provider")
        assert len(root) == 1 and provider.find("MAC_ADDRESS").get("value").lower() == name[:12].lower()
        items = provider.findall("SYMB_ITEM")
        assert {e.get("class") for e in items} == {"symb_item"} and len(provider) == len(items) + 2
        return [(e.get("ID"), string(e.get("value"))) for e in items]
    assert root.tag == "provisioning" and root.get("version") == "1.1" and {e.tag for e in root} <= {"nvm", "custom"}
    pairs = [(e.get("name"), e.get("value")) for e in root.iterfind("nvm/param")]
    for e in root.iterfind("nvm/oper"):
        pairs.append((f"oper/{e.get('name')}/{e.get('value')}", " ".join(f"{p.get('name')}={p.get('value')}" for p in e)))
    return pairs


def account(model, pairs, line, place):
    if "maxwell" in model:
        assert pairs[f"SIP.Account.{line - 1}.Active"] == "1"
        return tuple(pairs[f"SIP.Account.{line - 1}.{k}"] for k in ("Username", "AuthName", "AuthPassword", "DisplayName"))
    if model == "gigaset-n720":
        keys = ("aucS_SIP_USER_ID[0]", "aucS_SIP_LOGIN_ID[0]", "aucS_SIP_PASSWORD[0]", "aucS_SIP_DISPLAYNAME[0]")
        return tuple(pairs[f"BS_VOIP_Data.astVoipAccounts[{line - 1}].{k}"] for k in keys)
    if model in ("gigaset-n510", "gigaset-n300", "gigaset-c590", "gigaset-c610"):
        suffix = f"_{line}" if line > 1 else ""
        keys = ("BS_IP_Data1.aucS_SIP_USER_ID", "BS_IP_Data3.aucS_SIP_LOGIN_ID", "BS_IP_Data1.aucS_SIP_PASSWORD", "BS_IP_Data1.aucS_SIP_DISPLAYNAME")
        return tuple(pairs[k + suffix] for k in keys)
    assert f"oper/add_hs/{line:05}" in pairs
    return tuple(pairs[f"SipAccount.{line:05}.{k}"] for k in ("UserName", "AuthName", "AuthPassword", "DisplayName"))


ZONE_MODELS = ["gigaset-n510", "gigaset-n870", "gigaset-maxwell-3"]
HOURS = {0x0: -12, 0x1: -11, 0x2: -10, 0x3: -9, 0x4: -8, 0x7: -7, 0x9: -6, 0xd: -5, 0x10: -4, 0x12: -3, 0x16: -2, 0x18: -1, 0x1a: 0,
         0x1b: 1, 0x20: 2, 0x28: 3, 0x2c: 4, 0x2d: 4.5, 0x2f: 5, 0x30: 5.5, 0x31: 5.75, 0x33: 6, 0x35: 6.5, 0x36: 7, 0x38: 8, 0x3d: 9, 0x40: 9.5,
         0x43: 10, 0x47: 11, 0x48: 12, 0x50: 13}
NAMES = {"GMT+1.Europe/Amsterdam": 3600, "GMT.Europe/London": 0}


def zone(model, pairs):
    """Offsets: summer time is the phone's own. A zone that is not told is left as it is."""
    if "BS_IP_Data1.uiI_TIME_TIMEZONE" in pairs:
        return {"offset": HOURS[int(pairs["BS_IP_Data1.uiI_TIME_TIMEZONE"], 16)] * 3600}
    if "DmGlobal.0.TimeZone" in pairs:
        there = zoneinfo.ZoneInfo(pairs["DmGlobal.0.TimeZone"])
        return {"offset": min(datetime.datetime(2030, m, 1, tzinfo=there).utcoffset().total_seconds() for m in (1, 7))}
    if "System.DateAndTime.TimeZone" in pairs:
        return {"offset": NAMES[pairs["System.DateAndTime.TimeZone"]]}
    return None
