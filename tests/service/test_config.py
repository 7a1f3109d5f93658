"""Configuration from TOML and flags: every mistake is one line with the file, the key and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from service.config import ConfigError, load
from service.units import Address, Listen, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Pump:
    upstream: str
    listen: Listen = Address("127.0.0.1", 8080)
    ram: Size = 512 * 2**20
    idle_timeout_s: float = 75.0
    access_log: Path | None = None

    def __post_init__(self) -> None:
        if self.ram < 1024:
            raise ConfigError(f"ram = {self.ram}: a kilobyte at least")


def written(folder: Path, text: str) -> Path:
    path = folder / "pump.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gives_the_values_and_the_rest_stays_at_its_default(tmp_path: Path) -> None:
    path = written(
        tmp_path, 'upstream = "http://o"\nram = "2 GiB"\nlisten = "[::1]:90"\naccess_log = "a.log"\n'
    )
    assert load(Pump, path) == Pump(
        upstream="http://o", ram=2**31, listen=Address("::1", 90), access_log=Path("a.log")
    )


def test_a_flag_wins_over_the_file_and_one_that_was_not_given_does_not(tmp_path: Path) -> None:
    path = written(tmp_path, 'upstream = "http://file"\nram = 4096\n')
    settings = load(Pump, path, {"upstream": "http://flag", "ram": None, "idle_timeout_s": "2.5"})
    assert (settings.upstream, settings.ram, settings.idle_timeout_s) == ("http://flag", 4096, 2.5)


MISTAKES = [  # what the file says, what the message must hold
    pytest.param('upstreem = "http://o"', ["'upstreem'", "did you mean 'upstream'?"], id="unknown-key"),
    pytest.param('upstream = "u"\nzzz = 1', ["'zzz'", "did you mean"], id="unlike-any-key"),
    pytest.param("", ["upstream is missing", "set it in the file or by its flag"], id="missing"),
    pytest.param('upstream = "u"\nram = "big"', ["ram = 'big'", "such as 512MiB"], id="not-a-size"),
    pytest.param('upstream = "u"\nlisten = "here"', ["listen = 'here'", "HOST:PORT"], id="not-an-address"),
    pytest.param('upstream = "u"\nidle_timeout_s = "long"', ["idle_timeout_s = 'long'"], id="not-a-number"),
    pytest.param('upstream = "u"\nram = 7', ["ram = 7: a kilobyte at least"], id="checked-by-the-class"),
    pytest.param("upstream = ", ["not TOML"], id="not-toml"),
    pytest.param('upstream = "u"\n[ram]\nsize = 1', ["ram = {'size': 1}"], id="a-table-for-a-number"),
]


@pytest.mark.parametrize(("text", "said"), MISTAKES)
def test_a_mistake_is_one_line_with_the_file_the_key_and_the_way_out(
    tmp_path: Path, text: str, said: list[str]
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(Pump, path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert [part for part in said if part not in message] == []


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"^/nowhere/pump\.toml: No such file or directory; name a readable"
    ):
        load(Pump, Path("/nowhere/pump.toml"))


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pump.toml"
    path.write_bytes(b'upstream = "\xff"')
    with pytest.raises(ConfigError, match="not TOML"):
        load(Pump, path)


def test_without_a_file_the_message_speaks_of_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"^configuration: upstream is missing"):
        load(Pump)
