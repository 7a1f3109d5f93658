"""What people use against HTTP/2 servers, used against this one: curl, nghttp and h2load."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.edge.test_tls import in_tls, make_certificate
from tests.edge.wire import Asked, Clock, Origin, serving
from tests.needs import program

pytestmark = pytest.mark.socket
PATIENCE_S = 60.0


@pytest.fixture
def origin(clock: Clock) -> Origin:
    def sized(asked: Asked) -> bytes:
        """`/N`: N bytes."""
        return asked.reply(b"a" * int(asked.target[1:]), cache_control="max-age=60")

    return Origin(sized, clock)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tools"), "localhost")


async def said_by(*command: str) -> str:
    """What a program says; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE_S):
        said, told = await process.communicate()
    assert process.returncode == 0, (said + told).decode()
    return said.decode()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
async def test_curl_gets_a_body_in_tls(
    origin: Origin, clock: Clock, files: tuple[Path, Path], version: str
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        assert server.tls_address is not None
        port = server.tls_address.port
        command = [program("curl", "curl"), "--silent", version, "--cacert", str(files[0]), "--parallel"]
        command += ["--resolve", f"localhost:{port}:127.0.0.1", "--write-out", "%{json}\n"]
        for size_bytes in (1000, 3_000_000, 1000, 0):
            command += ["--output", "/dev/null", f"https://localhost:{port}/{size_bytes}"]
        told = [json.loads(line) for line in (await said_by(*command)).splitlines()]
        assert sorted(each["size_download"] for each in told) == [0, 1000, 1000, 3_000_000]
        assert {each["http_version"] for each in told} == {"2" if version == "--http2" else "1.1"}


async def test_curl_gets_a_body_by_prior_knowledge(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server:
        command = [program("curl", "curl"), "--silent", "--http2-prior-knowledge", "--output", "/dev/null"]
        command += ["--write-out", "%{http_version} %{size_download}", f"http://{server.address}/3000000"]
        assert await said_by(*command) == "2 3000000"


async def test_nghttp_takes_many_streams_with_priorities(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server:
        urls = [f"http://{server.address}/{size}" for size in range(100_000, 2_000_000, 100_000)]
        said = await said_by(program("nghttp", "nghttp2-client"), "--null-out", "--stat", *urls)
        assert len(re.findall(r" 200 .* /\d+00000$", said, re.MULTILINE)) == len(urls)


@pytest.mark.parametrize("window_bits", ["16", "20", "30"])
async def test_h2load_has_every_request_answered(
    origin: Origin, clock: Clock, files: tuple[Path, Path], window_bits: str
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        windows = [f"--window-bits={window_bits}", f"--connection-window-bits={window_bits}"]
        for url in (f"http://{server.address}", f"https://{server.tls_address}"):
            for size_bytes in (0, 100, 40_000, 400_000):
                command = [program("h2load", "nghttp2-client"), "-n200", "-c4", "-m20", *windows]
                said = await said_by(*command, f"{url}/{size_bytes}")
                assert "200 succeeded, 0 failed, 0 errored, 0 timeout" in said
                assert "status codes: 200 2xx" in said
