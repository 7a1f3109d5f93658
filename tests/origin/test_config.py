from __future__ import annotations

from pathlib import Path

import pytest

from origin.config import OriginConfig
from service.config import ConfigError, load
from tests.needs import ROOT

EXAMPLE = ROOT / "deploy" / "origin.toml"


def test_the_example_holds_every_key_with_its_default() -> None:
    assert load(OriginConfig, EXAMPLE) == OriginConfig()
    written = {line.split(" = ")[0] for line in EXAMPLE.read_text().splitlines() if " = " in line}
    assert written == set(OriginConfig.__dataclass_fields__)


def test_a_misspelt_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "origin.toml"
    file.write_text('libary = "x"\n')
    with pytest.raises(ConfigError, match="unknown key 'libary'; did you mean 'library'"):
        load(OriginConfig, file)
