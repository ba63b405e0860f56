"""VTech: `module.index.parameter = value`; a comment begins with # at the start of a line."""
import xml.etree.ElementTree as ET

COMMON = {"00122a000001": ["pb00122A000001/directory.xml"]}
WHERE_SET = (r"provisioning\.server_.*|profile\.\w+\.access_password|user_pref\.backlight_timeout|user_pref\.account\.\d\.ringer|network\.ip\.dns\d"
             r"|call_settings\.account\.\d\.(block_anonymous|outgoing_anonymous|dnd|call_fwd|cfna)_\w+")


def read(name, data):
    if name.endswith(".xml"):
        return [(e.tag, e.text or "") for entry in ET.fromstring(data)[0] for e in entry]
    lines = data.decode().split("\n")
    assert lines[-1] == ""
    return [tuple(x.split(" = ", 1)) for x in lines[:-1] if not x.startswith("#")]


def account(model, pairs, line, place):
    return tuple(pairs[f"sip_account.{line}.{k}"]
                 for k in ("user_id", "authentication_name", "authentication_access_password", "display_name"))


def zone(model, pairs):
    return {"iana": pairs["time_date.selected_timezone"]}


# Each attribute has a key of its own, and so have address and port.
ABRIDGED = r"remoteDir\.ldap_\w+_attributes?|page_zone\.\d+\.multicast_(address|port)"
FULL = '"ldap.name_attributes=givenName sn"'
