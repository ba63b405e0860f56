"""Cisco enterprise: a document of elements by their path, lines by their button; 7940 and 7960: a word, a colon and the value, in quotes where it
has the sign of a comment; dial templates: attributes; lists: objects of Cisco's XML services."""
import re
import xml.etree.ElementTree as ET

COMMON = {"001bd4000001": ["dial-001BD4000001.xml", "001BD4000001-menu.xml", "001BD4000001-directory.xml", "XMLDefault.cnf.xml"],
          "001bd4000004": ["SIPDefault.cnf", "SEP001BD4000004.cnf.xml", "dial-001BD4000004.xml", "syncinfo.xml"]}
WHERE_SET = (r"sshUserId|sshPassword|commonProfile/phonePassword|phone_password|vendorConfig/(adminPassword|(days)?(Display|display|Backlight|backlight).*)"
             r"|sipProfile/sipCallFeatures/(anonymousCallBlock|callerIdBlocking)|dnd_control|anonymous_call_block|callerid_blocking|image_version"
             r"|sipProfile/sipLines(/.*)?|addOnModules(/.*)?")
FULL = "phone.admin_password=Adm1n firmware.rule=SIP45.9-4-2SR3-1S"


def pairs_of(element, path=""):
    for e in element:
        name = path + e.tag
        if e.tag == "line":
            name += f"@{e.get('button')}"
            yield f"{name}@", e.get("lineIndex", "")
        if len(e):
            yield from pairs_of(e, name + "/")
        else:
            assert not (e.text or "").startswith(" "), name
            yield name, e.text or ""


def read_colon(data):
    for line in data.decode("ascii").splitlines():
        m = re.fullmatch(r'(\w+): (?:"([^"]*)"|([^"#;]*))', line)
        assert m and len(line) < 256, f"no pair: {line!r}"
        yield m[1], m[2] if m[2] is not None else m[3]


def read(name, data):
    if not data.startswith(b"<?xml"):
        return list(read_colon(data))
    root = ET.fromstring(data)
    if root.tag in ("device", "Default"):
        return list(pairs_of(root))
    if root.tag == "CiscoIPPhoneDirectory":
        return [(e.findtext("Name"), e.findtext("Telephone")) for e in root.iter("DirectoryEntry")]
    if root.tag == "CiscoIPPhoneMenu":
        return [(e.findtext("Name"), e.findtext("URL")) for e in root.iter("MenuItem")]
    assert root.tag in ("dialTemplate", "DIALTEMPLATE", "IMAGE"), root.tag
    assert all(e.tag == "TEMPLATE" for e in root)
    return [pair for e in root.iter() for pair in e.attrib.items()]


def account(model, pairs, line, place):
    if "line1_name" in pairs:
        return tuple(pairs[f"line{line}_{k}"] for k in ("name", "authname", "password", "displayname"))
    at = next(k for k, v in pairs.items() if k.endswith("@") and v == str(line))[:-1]
    assert pairs[f"{at}/featureID"] == "9"
    return tuple(pairs[f"{at}/{k}"] for k in ("name", "authName", "authPassword", "displayName"))


CLIPS = True
ZONE_MODELS = ["cisco-7965g", "cisco-8851", "cisco-7960g"]
ZONES_WRONG = {  # no such name; no half hours
    "cisco-7965g": ("Asia/Kathmandu", "Australia/Eucla", "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kiritimati",
                    "Pacific/Marquesas"),
    "cisco-7960g": ("America/St_Johns", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Australia/Adelaide", "Australia/Eucla",
                    "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Marquesas")}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
WEEKDAYS = "Sun Mon Tue Wed Thu Fri Sat".split()
ABBREVIATIONS = {"PST": -8, "MST": -7, "CST": -6, "EST": -5, "AST": -4, "GMT": 0, "CET": 1, "EET": 2}
# Minutes from Greenwich, by the first words of the name.
NAMES = {"Dateline": -720, "Samoa": -660, "Hawaiian": -600, "Alaskan": -540, "Pacific": -480, "Pacific SA": -240, "Mountain": -420, "US Mountain": -420,
         "Central": -360, "Canada Central": -360, "SA Pacific": -300, "Eastern": -300, "US Eastern": -300, "Atlantic": -240, "SA Western": -240,
         "Newfoundland": -210, "E. South America": -180, "SA Eastern": -180, "Mid-Atlantic": -120, "Azores": -60, "GMT": 0, "Greenwich": 0,
         "W. Europe": 60, "E. Europe": 120, "Egypt": 120, "South Africa": 120, "Jerusalem": 120, "Saudi Arabia": 180, "Iran": 210, "Arabian": 240,
         "Afghanistan": 270, "West Asia": 300, "India": 330, "Central Asia": 360, "SE Asia": 420, "Taipei": 480, "Tokyo": 540, "Cen. Australia": 570,
         "AUS Central": 570, "E. Australia": 600, "AUS Eastern": 600, "Tasmania": 600, "Central Pacific": 660, "Fiji": 720, "New Zealand": 720}


def change(pairs, which):
    month, hour = MONTHS.index(pairs[f"dst_{which}_month"]) + 1, int(pairs[f"dst_{which}_time"])
    if pairs[f"dst_{which}_day"]:
        return "day", month, int(pairs[f"dst_{which}_day"]), hour * 3600
    week, weekday = int(pairs[f"dst_{which}_week_of_month"]), WEEKDAYS.index(pairs[f"dst_{which}_day_of_week"])
    return "week", month, 5 if week == 8 else week, weekday, hour * 3600


def zone(model, pairs):
    if "time_zone" in pairs:
        name = pairs["time_zone"]
        told = {"offset": 3600 * (ABBREVIATIONS[name] if name in ABBREVIATIONS else int(name)), "save": 0}
        if pairs["dst_auto_adjust"] == "1":
            told.update(save=3600 * int(pairs["dst_offset"]), start=change(pairs, "start"), end=change(pairs, "stop"))
        return told
    if "devicePool/dateTimeSetting/olsonTimeZone" in pairs:
        return {"iana": pairs["devicePool/dateTimeSetting/olsonTimeZone"]}
    name = re.fullmatch(r"(.*) Standard(/Daylight)? Time", pairs["devicePool/dateTimeSetting/timeZone"])
    return {"offset": NAMES[name[1]] * 60}


# Labels on the screen, as far as there is room for them.
ABRIDGED = r"sipProfile/phoneLabel|.*/featureLabel"
