"""Grandstream: P values as elements (config version 1), or items by name (version 2)."""
import re
import xml.etree.ElementTree as ET

COMMON = {"000b82000001": ["cfggrp2615.xml", "000b82000001/phonebook.xml"], "000b82000003": ["cfggxp1628.xml"],
          "000b82000005": ["cfght812.xml"]}
WHERE_SET = (r"P(2|196|212|237|1360|1361)|provisioning\.config\.(protocol|serverPath|username|password)"
             r"|phonebook\.download\.(username|password)|users\.(admin|user)\.password|lcd\..*|pks\.ext\..*"
             r"|account\.\d+\.(call\.(sendAnonymous|rejectAnonymousCall)|featureCodes\.delayedCallForwardWaitTime|ring\.ringtone)"
             r"|P(65|[4567]21|1[78]21|129|[4567]46|1[78]46|139|[4567]70|1[78]70|104|[4567]23|1[78]23|765)")
PLACES = ("", "4", "5", "6", "17", "18")
HOSTILE = ["grandstream-grp2601", "grandstream-gxp1610"]


def read(name, data):
    root = ET.fromstring(data)
    if root.tag == "AddressBook":
        assert root[0].tag == "version"
        return [(c.findtext("FirstName"), c.findtext("Phone/phonenumber")) for c in root.iter("Contact")]
    assert root.tag == "gs_provision" and [e.tag for e in root] == ["config"]
    by_name = root[0].get("version") == "2"
    pairs = [(e.get("name") if by_name else e.tag, e.text or "") for e in root[0]]
    assert all(e.tag == "item" if by_name else re.fullmatch(r"P\d+", e.tag) for e in root[0])
    assert len(dict(pairs)) == len(pairs), f"twice: {sorted(k for k, _ in pairs if [x for x, _ in pairs].count(k) > 1)[:9]}"
    return pairs


def account(model, pairs, line, place):
    if "account.1.name" in pairs:
        user, auth, *more = (f"account.{line}.sip.{k}" for k in ("userid", "subscriber.userid", "subscriber.password", "subscriber.name"))
        keys = (user, auth if auth in pairs else auth[:-2] + "Id", *more)
    elif re.search(r"-(ht704|ht812|ht814|ht818|gxw|dp)", model):
        keys = [f"P{n + line}" for n in (4059, 4089, 4119, 4179)]
    elif re.search(r"-ht", model):
        keys = [("P7" if line == 2 else "P") + n for n in (("35", "36", "34", "03") if line == 2 else ("35", "36", "34", "3"))]
    else:
        keys = ("P35", "P36", "P34", "P3") if line == 1 else [f"P{PLACES[line - 1]}0{n}" for n in (4, 5, 6, 7)]
    return tuple(pairs[k] for k in keys)


ZONE_MODELS = ["grandstream-grp2615", "grandstream-gxv3470", "grandstream-gxp2124", "grandstream-ht812"]


def zone(model, pairs):
    if pairs.get("dateTime.timezone", "customize") != "customize":
        return {"iana": pairs["dateTime.timezone"]}
    rule = pairs.get("P246", pairs.get("dateTime.timezone.custom"))
    return {"posix": rule} if "STD" not in rule else offsets(rule)


def seconds(text):
    sign, hours, minutes = re.fullmatch(r"([+-]?)(\d+)(?::(\d\d))?", text).groups()
    return (-1 if sign == "-" else 1) * (int(hours) * 3600 + int(minutes or 0) * 60)


def offsets(rule):
    """A rule of POSIX whose names are STD and DST."""
    names, *changes = rule.split(",")
    standard, summer = re.fullmatch(r"STD([-+:\d]+)(?:DST([-+:\d]*))?", names).groups()
    told = {"offset": -seconds(standard), "save": 0}
    if summer is not None:
        told["save"] = -seconds(summer) - told["offset"] if summer else 3600
        told["start"], told["end"] = (("week", *(int(x) for x in day[1:].split(".")), seconds(at or "2"))
                                      for day, _, at in (c.partition("/") for c in changes))
    return told
