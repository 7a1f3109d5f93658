"""A DASH manifest as it is written, a tree of elements: for checking other people's (ISO/IEC 23009-1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from lxml import etree

from media.manifest import ManifestError, first_line

_DURATION = re.compile(
    r"P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,18})?)S)?)?",
    re.ASCII,
)
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Element:
    """One element, by its local name; comments and instructions are gone."""

    name: str
    namespace: str
    attributes: Mapping[str, str]
    children: tuple[Element, ...]
    text: str

    def all(self, name: str) -> list[Element]:
        return [child for child in self.children if child.name == name]

    def get(self, attribute: str, default: str = "") -> str:
        return self.attributes.get(attribute, default)

    def described(self, kind: str, scheme: str) -> str | None:
        """The value of the first descriptor of that kind and scheme (5.8.2)."""
        found = (each.get("value") for each in self.all(kind) if each.get("schemeIdUri") == scheme)
        return next(found, None)


def read_tree(text: str, uri: str) -> Element:
    """Raises ManifestError unless `text` is an MPD. No document type, so no entities; nothing is fetched."""
    if "<!DOCTYPE" in text or not text.strip():
        raise ManifestError(f"{uri}: not a DASH manifest: it begins with {first_line(text)}")
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise ManifestError(f"{uri}: not a DASH manifest: {error.msg}") from None
    except ValueError as error:
        raise ManifestError(f"{uri}: not a DASH manifest: {error}") from None
    tree = _element(root)
    if tree.name != "MPD":
        raise ManifestError(f"{uri}: not a DASH manifest: its root is {tree.name!r}, not 'MPD'")
    return tree


def seconds_of(text: str) -> Fraction | None:
    """An xs:duration without a sign, or None if it is none. Years and months have no length here."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    years, months, days, hours, minutes, seconds = (Fraction(part or 0) for part in match.groups())
    if years or months:
        return None
    return days * _DAY_S + hours * 3600 + minutes * 60 + seconds


def _element(element: etree._Element) -> Element:
    name = etree.QName(element)
    return Element(
        name=name.localname,
        namespace=name.namespace or "",
        attributes={etree.QName(key).localname: str(value) for key, value in element.attrib.items()},
        children=tuple(_element(child) for child in element if isinstance(child.tag, str)),
        text=(element.text or "").strip(),
    )
