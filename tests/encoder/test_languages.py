from __future__ import annotations

import pytest

from encoder.languages import bcp47, iso639_2


@pytest.mark.parametrize(
    ("given", "language"),
    [
        ("eng", "en"),
        ("ger", "de"),
        ("deu", "de"),
        ("fr", "fr"),
        ("tlh", "tlh"),
        (None, "und"),
        ("?", "und"),
        ("pt-br", "pt-BR"),
        ("zho_HANT_tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("en-", "und"),
    ],
)
def test_manifests_speak_bcp_47(given: str | None, language: str) -> None:
    assert bcp47(given) == language


@pytest.mark.parametrize(
    ("tag", "code"), [("de", "deu"), ("pt-BR", "por"), ("zh-Hant", "zho"), ("yue", "yue"), ("xx", "und")]
)
def test_mp4_has_three_letters(tag: str, code: str) -> None:
    assert iso639_2(tag) == code
