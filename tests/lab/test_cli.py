"""The `penstock` command: it finds its subcommands, and says so when there is none."""

from __future__ import annotations

from importlib import import_module

import pytest

from lab.cli import COMMANDS, main


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    said = capsys.readouterr().out
    assert all(name in said for name in COMMANDS)


def test_a_wrong_command_gets_one_line_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["encod", "clip.mp4"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "penstock: there is no command 'encod'; did you mean 'encode'?\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([name, "--help"])
    assert end.value.code == 0
    assert "Example: penstock" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_where_the_table_says(name: str) -> None:
    module, function, _ = COMMANDS[name]
    assert callable(getattr(import_module(module), function))
