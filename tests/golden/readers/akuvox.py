"""Akuvox: a version line, then `key = value`; a comment begins with # or ; at the start of a line."""
import re

WHERE_SET = (r"Config\.Autoprovision\.GENERAL\..*|Config\.Settings\.(WEB_LOGIN|BACKLIGHT)\..*|Config\.Network\.8021X\..*|Config\.Network\.LAN\..*DNS"
             r"|Config\.Account\d+\.(ANONYMOUS_CALL|REJECT_ANONYMOUSCALL|FEATURE_\w+|RINGTONE)\..*")


def read(name, data):
    lines = data.decode().split("\n")
    assert lines[0] == "#!version:1.0.0.1" and lines[-1] == ""
    return [tuple(x.split(" = ", 1)) for x in lines[1:-1] if not x.startswith(("#", ";"))]


def account(model, pairs, line, place):
    return tuple(pairs[f"Config.Account{line}.GENERAL.{k}"] for k in ("UserName", "AuthName", "Pwd", "DisplayName"))


CLIPS = True


def change(text):
    parts = [int(x) for x in text.split("/")]
    if len(parts) == 3:
        month, day, hour = parts
        return "day", month, day, hour * 3600
    month, week, weekday, hour = parts
    return "week", month, week, weekday % 7, hour * 3600


def zone(model, pairs):
    sign, hours, minutes = re.fullmatch(r"([+-]?)(\d+)(?::(\d\d))?", pairs["Config.Settings.SNTP.TimeZone"]).groups()
    told = {"offset": (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes or 0) * 60), "save": 0}
    if pairs["Config.Settings.SNTP.DTS"] == "1":
        told.update(save=int(pairs["Config.Settings.DATETIME.Offset"]) * 60, start=change(pairs["Config.Settings.SNTP.StartTime"]),
                    end=change(pairs["Config.Settings.SNTP.EndTime"]))
    return told


# What is shown of an entry has no percent signs here.
ABRIDGED = r"Config\.Ldap\.LDAP\.DisplayName"


def decode(key, text):
    """# stands for what is looked for."""
    return text.replace("#", "%") if key.startswith("Config.Ldap.") else text
