"""Sangoma's S series: the same firmware as Htek's, and the same files."""
from .htek import ZONES_WRONG, account, read, zone  # noqa: F401

COMMON = {"005058000001": ["005058000001-phonebook.xml"]}
WHERE_SET = (r"P(2|196|212|237|1360|1361|53100|53101|53110|53111|53120|53121|53124|8683|8721|8950|8951|20051|20052"
             r"|65|421|521|621|1721|1821|129|446|1846|1946|20446|20447|6\d{4})")
HOSTILE = ["sangoma-s206"]
