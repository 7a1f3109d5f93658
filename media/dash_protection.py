"""How DASH tells of encryption: ContentProtection, written and read (23009-1, 5.8.4.1; 23001-7, 11.2).

A ClearKey licence server stands in `dashif:Laurl` (DASH-IF, Content Protection and Security, 7).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from lxml import etree

from media.protection import KeyFacts, Protection, Scheme, pssh

MP4_PROTECTION = "urn:mpeg:dash:mp4protection:2011"
CLEARKEY = "urn:uuid:e2719d58-a985-b3c9-781a-b030af78d30e"
COMMON = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b"
CENC, DASHIF = "urn:mpeg:cenc:2013", "https://dashif.org/CPS"
_SCHEMES: dict[str, Scheme] = {"cenc": "cenc", "cbcs": "cbcs"}


def protect_set(adaptation_set: etree._Element, protections: Sequence[Protection | None]) -> None:
    """Where all are alike it stands at the set, as DASH-IF asks for."""
    if len(set(protections)) == 1 and protections[0]:
        _describe(adaptation_set, protections[0])


def protect_alone(representation: etree._Element, protection: Protection | None) -> None:
    """Else at each representation."""
    parent = representation.getparent()
    is_told = parent is not None and parent.find("ContentProtection") is not None
    if protection and not is_told:
        _describe(representation, protection)


def _describe(parent: etree._Element, protection: Protection) -> None:
    key_ids = [key.key_id for key in protection.keys]
    etree.SubElement(
        parent,
        "ContentProtection",
        {
            "schemeIdUri": MP4_PROTECTION,
            "value": protection.scheme,
            f"{{{CENC}}}default_KID": protection.keys[0].uuid,
        },
        nsmap={"cenc": CENC},
    )
    box = base64.b64encode(pssh(key_ids)).decode()
    common = etree.SubElement(
        parent, "ContentProtection", {"schemeIdUri": COMMON, "value": "cenc"}, nsmap={"cenc": CENC}
    )
    etree.SubElement(common, f"{{{CENC}}}pssh").text = box
    # Without a pssh: dash.js would hand it to the browser as JSON, and makes its own of default_KID instead.
    clearkey = etree.SubElement(
        parent,
        "ContentProtection",
        {"schemeIdUri": CLEARKEY, "value": "ClearKey1.0"},
        nsmap={"dashif": DASHIF},
    )
    if protection.license_url:
        server = etree.SubElement(clearkey, f"{{{DASHIF}}}Laurl")
        server.set("Lic_type", "EME-1.0")
        server.text = protection.license_url


def protection_of(levels: Sequence[etree._Element]) -> Protection | None:
    """What the levels of a representation say; the innermost that says anything counts."""
    for level in reversed(levels):
        found = [child for child in level if etree.QName(child).localname == "ContentProtection"]
        for element in found:
            if element.get("schemeIdUri", "").lower() == MP4_PROTECTION and element.get("value") in _SCHEMES:
                return Protection(
                    scheme=_SCHEMES[element.get("value", "")],
                    keys=(KeyFacts(key_id=_key_id(element)),),
                    license_url=_license_url(found),
                )
    return None


def _key_id(element: etree._Element) -> str:
    text = next((str(v) for k, v in element.attrib.items() if etree.QName(k).localname == "default_KID"), "")
    key_id = text.split()[0].replace("-", "").lower() if text.split() else ""
    return key_id if len(key_id) == 32 and not set(key_id) - set("0123456789abcdef") else ""


def _license_url(found: Sequence[etree._Element]) -> str | None:
    for element in found:
        if element.get("schemeIdUri", "").lower() == CLEARKEY:
            for child in element:
                if etree.QName(child).localname.lower() == "laurl":
                    return (child.text or "").strip() or None
    return None
