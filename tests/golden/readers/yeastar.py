"""Yeastar TA: nested elements; those of a list are numbered in their names, and itemcount says how many there are."""
import xml.etree.ElementTree as ET

WHERE_SET = (r"system/autopsettings/(\w*serverurl|url\w+)|system/administratorsettings/.*"
             r"|gateway/fxsport/fxsport\d+/(dnd|\w*forward|forwarddest\w*|ringout)")


def walk(element, path):
    for child in element:
        name = f"{path}/{child.tag}" if path else child.tag
        if len(child):
            count = child.get("itemcount")
            assert count is None or [e.tag for e in child] == [f"{child.tag}{i}" for i in range(int(count))], name
            yield from walk(child, name)
        else:
            yield name, child.text or ""


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == "ta"
    return list(walk(root, ""))


def account(model, pairs, line, place):
    return tuple(pairs[f"gateway/fxsport/fxsport{line - 1}/{k}"]
                 for k in ("registerusername", "registerauthname", "registerauthpassword", "name"))


def zone(model, pairs):
    """How the device writes its zone is not told."""
