"""Poly: settings are attributes, whatever element they stand in."""
import xml.etree.ElementTree as ET

COMMON = {"0004f2000001": ["0004f2000001-user.cfg", "000000000000.cfg"]}
WHERE_SET = r"device\.(auth|prov)\..*"


def read(name, data):
    return [pair for element in ET.fromstring(data).iter() for pair in element.attrib.items()]


def account(model, pairs, line, place):
    return tuple(pairs[f"reg.{line}.{k}"] for k in ("address", "auth.userId", "auth.password", "displayName"))
