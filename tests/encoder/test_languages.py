from __future__ import annotations

import pytest

from encoder.languages import bcp47


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
