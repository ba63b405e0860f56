"""Snom: <settings>, in it settings by name and idx, function keys, a phone book. Of equal ones the last counts."""
import re
import xml.etree.ElementTree as ET

COMMON = {"000413000001": ["snomD785.htm"], "000413e50001": ["GigasetP82x.htm"]}
# Passwords with the names that turn logins on, the way to the files, the user's own; the book of a customer.
WHERE_SET = (r"http_(user|pass|engineer_pass|basic_user|basic_pass)|admin_mode_password(_confirm)?|webserver_(admin|user)_(name|password)"
             r"|setting_server|http_client_(user|pass)|dim_timer|screen_saver_timeout|custom_bg_image_url|privacy_out|redirect_.*"
             r"|(user_ringer|user_custom|dnd_mode|fwd_\w+)@idx=\d+")
PLACES = {"phone-settings", "functionKeys", "tbook"}
HOSTILE = ["snom-d120", "snom-m300"]


def entry(e):
    for attribute, value in e.attrib.items():
        assert attribute in ("idx", "perm", "context", "label"), f"{e.tag} has {attribute}"
        assert attribute != "perm" or value in ("", "R", "RW", "!", "$", "&"), f"perm of {e.tag}"
        assert attribute != "idx" or value.isdigit(), f"idx of {e.tag}"
    return f"{e.tag}@idx={e.get('idx')}" if "idx" in e.attrib else e.tag


def read(name, data):
    root = ET.fromstring(data.decode("utf-8"))
    assert root.tag == "settings" and {e.tag for e in root} <= PLACES, "settings, and in it what the phone knows"
    pairs = [(entry(e), e.text or "") for e in root.find("phone-settings")]
    for e in root.iterfind("functionKeys/fkey"):
        assert e.get("context") == "active" or re.fullmatch(r"1?\d", e.get("context")), "a key's context"
        pairs += [(entry(e), e.text or ""), (entry(e) + "/label", e.get("label")), (entry(e) + "/context", e.get("context"))]
    for e in root.iterfind("tbook/item"):
        pairs.append((f"tbook/{e.get('index')}", f"{e.findtext('name')}: {e.findtext('number')}"))
    keys = [k for k, _ in pairs]
    assert len(set(keys)) == len(keys), f"twice: {sorted(k for k in keys if keys.count(k) > 1)[:4]}"
    return pairs


def account(model, pairs, line, place):
    assert pairs[f"user_active@idx={line}"] == "on"
    return tuple(pairs[f"{k}@idx={line}"] for k in ("user_name", "user_pname", "user_pass", "user_realname"))


CLIPS = True
ZONE_MODELS = ["snom-d785", "snom-320"]


def change(date, time):
    hours, minutes, seconds = (int(x) for x in time.split(":"))
    assert hours < 24
    at = hours * 3600 + minutes * 60 + seconds
    parts = [int(x) for x in date.split(".")]
    return ("day", parts[1], parts[0], at) if len(parts) == 2 else ("week", parts[0], parts[1], parts[2] % 7, at)


def zone(model, pairs):
    told = {"offset": int(pairs["utc_offset"]), "save": 0}
    code = re.fullmatch(r"[A-Z]{3}\d?([+-][0-9.]+)|", pairs["timezone"])
    assert not code[1] or float(code[1]) * 3600 == told["offset"], pairs["timezone"]
    if pairs["dst"]:
        save, start_date, start_time, end_date, end_time = pairs["dst"].split(" ")
        told.update(save=int(save), start=change(start_date, start_time), end=change(end_date, end_time))
    return told


def decode(key, text):
    """What was typed is %*."""
    return text.replace("%*", "%") if key.startswith("ldap_") else text
