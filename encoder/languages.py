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


def bcp47(language: str | None) -> str:
    """ "eng" is "en", what has no two-letter code stays, what is no language is "und"."""
    code = (language or "").strip().lower()
    if not re.fullmatch(r"[a-z]{2,3}", code):
        return "und"
    return _TWO_LETTERS.get(code, code)
