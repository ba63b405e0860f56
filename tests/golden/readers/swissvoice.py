"""Swissvoice: modules with `key:value`; the first colon is the sign."""

WHERE_SET = (r"MMI CONFIG MODULE/.*|PHONE FEATURE MODULE/(LCD Title|Backlight Off Time)"
             r"|SIP CONFIG MODULE/SIP\d+ (Enable DND|CLIR|Ban Anonymous|.*FWD.*)")


def read(name, data):
    lines = data.decode().split("\n")
    assert lines[0] == "<<VOIP CONFIG FILE>>Version:2.0000000000" and lines[-2:] == ["<<END OF FILE>>", ""]
    module, pairs = None, []
    for line in lines[1:-2]:
        if line.startswith("<") and line.endswith(" MODULE>"):
            module = line[1:-1]
        elif line and not line.startswith("--"):
            key, value = line.split(":", 1)
            pairs.append((f"{module}/{key.rstrip()}", value))
    return pairs


def account(model, pairs, line, place):
    return tuple(pairs[f"SIP CONFIG MODULE/SIP{line} {k}"]
                 for k in ("Phone Number", "Register User", "Register Pswd", "Display Name"))


CLIPS = True


def zone(model, pairs):
    get = lambda k: int(pairs[f"PHONE FEATURE MODULE/{k}"])
    told = {"offset": get("Time Zone") * 900, "save": 0}
    if get("DST Type") == 2:
        told.update(save=get("DST Min Offset") * 60)
        for which in ("Start", "End"):
            told[which.lower()] = ("week", get(f"DST {which} Mon"), get(f"DST {which} Week"), get(f"DST {which} Wday"),
                                   get(f"DST {which} Hour") * 3600)
    return told


# What is shown of an entry has no percent signs here; each attribute of a number has a key of its own.
ABRIDGED = r".*/LDAP1 (Displayname|Tel Attr|Mobile Attr|Other Attr)"
