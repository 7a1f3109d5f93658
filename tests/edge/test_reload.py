"""SIGHUP: what changes at once, what is said of the rest, and a file that cannot be used."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge.config import EdgeConfig
from edge.reload import LIVE, Reloader, Settings
from edge.server import Server
from service.config import ConfigError
from tests.edge.admin.test_app import administered
from tests.edge.wire import Clock, Origin, connected, get

pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(lambda asked: asked.reply(b"one", cache_control="max-age=60"), clock)


class File:
    """A configuration file, and an edge that began with it."""

    def __init__(self, path: Path, upstream: str) -> None:
        self.path = path
        self.base = f'listen = "127.0.0.1:0"\nupstream = "{upstream}"\n'
        self.write("")
        self.settings = Settings(path, {})

    def write(self, more: str, *, base: str | None = None) -> None:
        self.path.write_text((self.base if base is None else base) + more, encoding="utf-8")


async def reloaded(server: Server, file: File) -> dict[str, Any]:
    """The one line that a reload says."""
    with capture_logs() as events:
        await Reloader(server, file.settings).reload()
    assert len(events) == 1
    return dict(events[0])


def test_every_key_that_changes_live_is_a_key() -> None:
    assert {field.name for field in fields(EdgeConfig)} >= LIVE


async def test_one_line_says_what_changed_and_what_waits_for_a_restart(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        async with Server(file.settings.now, clock) as server:
            file.write('idle_timeout_s = 5.0\nadmin_token = "hush"\nram = "1GiB"\n')
            event = await reloaded(server, file)
            assert event["event"] == "configuration reloaded"
            assert event["changed"] == "admin_token, idle_timeout_s = 5.0 (was 75.0)"
            assert event["needs_restart"] == f"ram = {2**30} (was {2**29})"
            assert (server.config.idle_timeout_s, server.config.admin_token) == (5.0, "hush")
            assert server.config.ram == 2**29, "what it runs with"
            event = await reloaded(server, file)
            assert (event["changed"], event["needs_restart"]) == ("nothing", f"ram = {2**30} (was {2**29})")
            file.write("")
            event = await reloaded(server, file)
            assert (event["changed"], event["needs_restart"]) == (
                "admin_token, idle_timeout_s = 75.0 (was 5.0)",
                "nothing",
            )


BROKEN = [
    pytest.param("idle_timeout_s = ", "not TOML", id="no-toml"),
    pytest.param("idle_timeout_s = -1", "idle_timeout_s = -1.0: give seconds above 0", id="no-value"),
    pytest.param("idle_timout_s = 1.0", "did you mean 'idle_timeout_s'?", id="no-key"),
    pytest.param(
        'access_log = "/nowhere/a.log"\nidle_timeout_s = 5.0',
        "/nowhere/a.log: No such file or directory",
        id="no-log",
    ),
]


@pytest.mark.parametrize(("text", "said"), BROKEN)
async def test_a_file_that_cannot_be_used_changes_nothing_and_is_one_line(
    origin: Origin, clock: Clock, tmp_path: Path, text: str, said: str
) -> None:
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        async with Server(file.settings.now, clock) as server:
            before = server.config
            file.write(text)
            event = await reloaded(server, file)
            assert (event["event"], event["log_level"]) == ("configuration kept as it was", "error")
            assert said in event["reason"]
            assert "\n" not in event["reason"]
            assert server.config == before
            assert (await get(server)).status == 200


async def test_a_rotated_log_goes_on_even_if_the_file_is_broken(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        file.base += f'access_log = "{log}"\n'
        file.write("")
        async with Server(Settings(file.path, {}).now, clock) as server:
            log.rename(tmp_path / "rotated.log")
            file.write("broken")
            await reloaded(server, file)
            await get(server)
        assert log.read_bytes().count(b"\n") == 1


async def test_a_log_that_is_there_no_more_after_rotation_is_told(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        file.base += f'access_log = "{folder}/access.log"\n'
        file.write("")
        async with Server(Settings(file.path, {}).now, clock) as server:
            folder.rename(tmp_path / "moved")
            event = await reloaded(server, file)
            assert event["event"] == "configuration kept as it was"
            assert event["reason"] == f"{folder}/access.log: No such file or directory"


async def test_the_access_log_moves_begins_and_ends(origin: Origin, clock: Clock, tmp_path: Path) -> None:
    one, other = tmp_path / "one.log", tmp_path / "other.log"
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        async with Server(file.settings.now, clock) as server:
            for more in (f'access_log = "{one}"', f'access_log = "{other}"', ""):
                file.write(more)
                await reloaded(server, file)
                await get(server)
        assert (one.read_bytes().count(b"\n"), other.read_bytes().count(b"\n")) == (1, 1)


async def test_another_upstream_is_asked_and_the_old_one_comes_back_with_its_account(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    other = Origin(lambda asked: asked.reply(b"two", cache_control="no-store"), clock)
    async with origin, other:
        file = File(tmp_path / "edge.toml", origin.url)
        async with Server(file.settings.now, clock) as server:
            assert (await get(server, "/a")).body == b"one"
            file.write("retry_floor = 3\n", base=f'listen = "127.0.0.1:0"\nupstream = "{other.url}"\n')
            event = await reloaded(server, file)
            assert event["changed"].startswith(f"upstream = {other.url} (was {origin.url}), retry_floor")
            assert (await get(server, "/b")).body == b"two"
            assert [peer.place.label for peer in server.upstream.peers] == [other.url]
            assert server.upstream.budget.floor == 3
            file.write("")
            await reloaded(server, file)
            assert (await get(server, "/c")).body == b"one"
            assert server.upstream.peers[0].requests == 2


async def test_limits_of_connections_and_token_count_from_the_reload_on(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    async with origin:
        file = File(tmp_path / "edge.toml", origin.url)
        async with Server(file.settings.now, clock) as server, administered(server) as admin:
            async with admin.get("/debug/keys?url=/x") as response:
                assert response.status == 403
            file.write(
                'max_connections = 1\nadmin_token = "new"\nread_timeout_s = 1.5\nbreaker_failures = 2\n'
            )
            await reloaded(server, file)
            async with admin.get("/debug/keys?url=/x", headers={"Authorization": "Bearer new"}) as response:
                assert response.status == 200
            async with connected(server) as client:
                await client.get()
                assert (await get(server)).status == 503
            (peer,) = server.upstream.peers
            assert (peer.link.patience.read_s, peer.breaker.rules.failures) == (1.5, 2)


def test_flags_win_over_the_file_after_a_reload_too(tmp_path: Path) -> None:
    file = File(tmp_path / "edge.toml", "http://127.0.0.1:9")
    settings = Settings(file.path, {"idle_timeout_s": 7.0, "name": None})
    file.write('idle_timeout_s = 9.0\nname = "other"\n')
    assert (settings.read().idle_timeout_s, settings.read().name) == (7.0, "other")


def test_a_password_in_an_upstream_is_not_told(tmp_path: Path) -> None:
    file = File(tmp_path / "edge.toml", "http://user:secret@127.0.0.1:9")
    file.write("", base='upstream = ["http://user:other@127.0.0.1:9", "unix:/run/a.sock"]\n')
    said = file.settings.accept(file.settings.read())
    assert said["changed"] == "upstream = http://127.0.0.1:9 unix:/run/a.sock (was http://127.0.0.1:9)"


def test_a_configuration_that_does_not_go_with_what_runs_is_refused(tmp_path: Path) -> None:
    file = File(tmp_path / "edge.toml", "http://127.0.0.1:9")
    file.write("breaker_pause_s = 20.0")
    with pytest.raises(ConfigError, match="breaker_longest_pause_s"):
        file.settings.read()
