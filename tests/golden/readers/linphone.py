"""Linphone: lpconfig, entries in sections; the account's name is in a SIP name-addr."""
import re
import xml.etree.ElementTree as ET

COMMON = {"02a1b2000001": ["02a1b2000001-phonebook.vcf"]}
BOOK = "{mac}-phonebook.vcf"
WHERE_SET = r"misc/config-uri|sip/sip_(tcp_)?port"
NS = "{http://www.linphone.org/xsds/lpconfig.xsd}"


def read(name, data):
    root = ET.fromstring(data)
    assert root.tag == NS + "config"
    return [(f"{s.get('name')}/{e.get('name')}", e.text or "") for s in root for e in s]


def unquote_identity(identity):
    """A display name and the user part of a SIP name-addr (RFC 3261 25.1)."""
    m = re.fullmatch(r'"((?:[^"\\]|\\.)*)" <sip:(.*)@[^@]*>', identity)
    if not m:
        return "", re.fullmatch(r"sip:(.*)@[^@]*", identity).group(1)
    return re.sub(r"\\(.)", r"\1", m.group(1)), m.group(2)


def unescape(user):
    return re.sub(r"%([0-9A-Fa-f]{2})", lambda m: chr(int(m.group(1), 16)), user)


def contacts(data):
    """vCards (RFC 6350): lines end in CRLF; in a text, \\, and \\\\ stand for the second character."""
    lines, got = data.decode().split("\r\n"), []
    assert lines.pop() == ""
    for begin, version, name, address, end in zip(*[iter(lines)] * 5, strict=True):
        assert (begin, version, end) == ("BEGIN:VCARD", "VERSION:4.0", "END:VCARD") and name.startswith("FN:")
        text = re.fullmatch(r"(?:[^,\\]|\\[,\\])*", name[3:]).group()
        got.append((re.sub(r"\\(.)", r"\1", text), unescape(re.fullmatch(r"IMPP:sip:([^@]*)@[^@]*", address).group(1))))
    return got


def account(model, pairs, line, place):
    name, user = unquote_identity(pairs[f"proxy_{place}/reg_identity"])
    assert unescape(user) == pairs[f"auth_info_{place}/username"]
    return tuple(pairs[f"auth_info_{place}/{k}"] for k in ("username", "userid", "passwd")) + (name,)


def zone(model, pairs):
    """A softphone has the clock of its computer."""


def decode(key, text):
    """Attributes of LDAP stand between commas; what was typed is *%s*."""
    return text.replace("*%s*", "%").replace(",", " ") if key.startswith("ldap_") else text
