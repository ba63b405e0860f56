"""Atcom: modules in <>, list heads in --, `key:value` up to the end of the line; blanks around both do not count."""
import re

WHERE_SET = (r".*/(Account\d (Name|Pass|Level)|Download (Username|password|Server IP|Protocol)|Config File Name"
             r"|SIP\d+ Ban Anonymous|P1 No Disturb)")
HOSTILE = ["atcom-at610"]


def read(name, data):
    lines = data.decode().split("\r\n")
    assert re.fullmatch(r"<<VOIP CONFIG FILE>>Version:[2-9]\.\d{4}", lines[0]) and lines[-2:] == ["<<END OF FILE>>", ""]
    pairs, module = [], None
    for line in lines[1:-2]:
        if m := re.fullmatch(r"<([A-Z][A-Za-z0-9 ]+)>", line):
            module = m.group(1)
        elif not re.fullmatch(r"--.*-- *:", line):
            key, sign, value = line.partition(":")
            assert module and key and sign, line
            pairs.append((f"{module}/{key.strip()}", value.strip(" \t")))
    return pairs


def account(model, pairs, line, place):
    keys = ("Phone Number", "Register User", "Register Pwd", "Display Name")
    return tuple(pairs[f"SIP CONFIG MODULE/SIP{line} {k}"] for k in keys)


CLIPS = True
# Whole hours up to 12.
ZONES_WRONG = ["America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Australia/Adelaide", "Australia/Eucla",
               "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati", "Pacific/Marquesas"]
HOURS = dict(zip((0, 1, 2, 3, 4, 5, 8, 12, 15, 19, 22, 23, 25, 27, 32, 38, 43, 46, 50, 54, 56, 61, 66, 71, 72), range(-12, 13)))


def zone(model, pairs):
    p = {k.rsplit("/", 1)[1]: v for k, v in pairs.items()}
    told = {"offset": HOURS[int(p["Time Zone"])] * 3600, "save": 0}
    if p["Enable Daylight"] == "1":
        changes = [("week", *(int(p[f"DayLight {end} {k}"]) for k in ("Mon", "Week", "Wday")), int(p[f"DayLight {end} Hour"]) * 3600)
                   for end in ("Start", "End")]
        told.update(save=int(p["DayLight Shift Min"]) * 60, start=changes[0], end=changes[1])
    return told
