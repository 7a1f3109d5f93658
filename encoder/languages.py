"""Languages: containers speak ISO 639-2, manifests BCP 47, which wants two letters where there are two."""

from __future__ import annotations

import re

_PAIRS = """
ara:ar bul:bg cat:ca ces:cs cze:cs chi:zh dan:da deu:de dut:nl ell:el eng:en est:et eus:eu fas:fa
fin:fi fra:fr fre:fr ger:de gle:ga gre:el heb:he hin:hi hrv:hr hun:hu ice:is ind:id isl:is ita:it
jpn:ja kor:ko lav:lv lit:lt mlt:mt nld:nl nob:nb nor:no per:fa pol:pl por:pt ron:ro rum:ro rus:ru
slk:sk slo:sk slv:sl spa:es srp:sr swe:sv tha:th tur:tr ukr:uk vie:vi zho:zh
"""
_TWO_LETTERS = dict(pair.split(":") for pair in _PAIRS.split())
_BIBLIOGRAPHIC = {"chi", "cze", "dut", "fre", "ger", "gre", "ice", "per", "rum", "slo"}  # ISO 639-2/B
_THREE_LETTERS = {two: three for three, two in _TWO_LETTERS.items() if three not in _BIBLIOGRAPHIC}
_TAG = re.compile(r"([a-z]{2,3})((?:-[a-z0-9]{1,8})*)", re.ASCII)
COMMON = frozenset(_TWO_LETTERS) | frozenset(_TWO_LETTERS.values())


def bcp47(language: str | None) -> str:
    """ "eng" is "en", what has no two-letter code stays, what is no language is "und".

    A script or a region stays behind it, spelt as usual: "pt-BR", "zh-Hant" (RFC 5646, 2.1.1).
    """
    tag = _TAG.fullmatch((language or "").strip().lower().replace("_", "-"))
    if tag is None:
        return "und"
    subtags = [_spelt(subtag) for subtag in tag[2].split("-")[1:]]
    return "-".join([_TWO_LETTERS.get(tag[1], tag[1]), *subtags])


def iso639_2(tag: str) -> str:
    """The three letters (ISO 639-2/T) of a tag's language, as MP4 has them: "pt-BR" is "por"."""
    language = tag.partition("-")[0]
    code = _THREE_LETTERS.get(language, language)
    return code if len(code) == 3 else "und"


def _spelt(subtag: str) -> str:
    return {2: subtag.upper(), 4: subtag.title()}.get(len(subtag), subtag)
