"""Digium: settings by id, accounts by index with their attributes, a file of contacts."""
import xml.etree.ElementTree as ET

COMMON = {"000fd3000001": ["000fd3000001-contacts.xml"]}
WHERE_SET = (r"login_password|config_server_url|backlight_timeout|idle_company_text|(logo|wallpaper)_file|stunaddr"
             r"|account/\d/(dial_plan|outbound_(proxy|port))|contacts|firmware")
HOSTILE = ["digium-d40"]


def read(name, data):
    root = ET.fromstring(data)
    if root.tag == "phonebooks":
        return [(c.get("id"), c.find("numbers/number").get("dial")) for c in root.iter("contact")]
    assert root.tag == "config"
    pairs = [(e.get("id"), e.get("value")) for e in root if e.tag == "setting"]
    for account in root.find("accounts"):
        pairs += [(f"account/{account.get('index')}/{k}", v) for k, v in account.attrib.items() if k != "index"]
    pairs += [("codecs", " ".join(e.get("id") + e.get("enabled") for e in root.find("codecs")))]
    assert len(dict(pairs)) == len(pairs), "a setting twice"
    return pairs


def account(model, pairs, line, place):
    return tuple(pairs[f"account/{line - 1}/{k}"] for k in ("username", "authname", "password", "caller_id"))


def zone(model, pairs):
    return {"iana": pairs["time_zone"]}
