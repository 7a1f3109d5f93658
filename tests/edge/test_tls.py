"""The edge in TLS: what hands are shaken on, what is shown to whom, and bodies that wait for slow readers."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from edge.certificates import Certificates
from edge.config import EdgeConfig, HostCertificate
from edge.server import Server
from edge.tls import TlsConnection
from service.config import ConfigError
from tests.edge.wire import HERE, PATIENCE_S, Client, Clock, Origin, ask, echo, serving, so
from tests.edge.wire2 import connected2
from tests.needs import program

MIB = 2**20
pytestmark = pytest.mark.socket


def make_certificate(folder: Path, name: str, *more: str) -> tuple[Path, Path]:
    """A self-signed certificate of the given host names, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    names = ",".join(f"DNS:{each}" for each in (name, *more))
    command = [program("openssl", "openssl"), "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "edge.example")


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


def in_tls(files: tuple[Path, Path], **settings: Any) -> dict[str, Any]:
    return {"tls_listen": HERE, "tls_certificate": files[0], "tls_key": files[1], **settings}


def trusting(files: tuple[Path, Path], *protocols: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=files[0])
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


@asynccontextmanager
async def connected(
    server: Server, context: ssl.SSLContext, name: str = "edge.example", limit_bytes: int = 2**20
) -> AsyncIterator[Client]:
    assert server.tls_address is not None
    reader, writer = await asyncio.open_connection(
        *server.tls_address, ssl=context, server_hostname=name, limit=limit_bytes
    )
    client = Client(reader, writer)
    try:
        yield client
    finally:
        client.leave()


ALPN = [  # what the client offers, what it gets
    pytest.param(("h2", "http/1.1"), "h2", id="7301-http-2-first"),
    pytest.param(("http/1.1", "h2"), "h2", id="7301-the-server-chooses"),
    pytest.param(("http/1.1",), "http/1.1", id="7301-http-1-only"),
    pytest.param((), None, id="7301-nothing-offered"),
]


@pytest.mark.parametrize(("offered", "chosen"), ALPN)
async def test_the_client_and_the_edge_agree_on_a_protocol(
    origin: Origin, clock: Clock, files: tuple[Path, Path], offered: tuple[str, ...], chosen: str | None
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        context = trusting(files, *offered)
        async with connected(server, context) as client:
            tls = client.writer.get_extra_info("ssl_object")
            assert (tls.selected_alpn_protocol(), tls.version()) == (chosen, "TLSv1.3")
            if chosen != "h2":
                assert [(await client.get()).body for _ in range(2)] == [b"/x", b"/x"]
                return
        async with connected2(server, tls=context) as other:
            assert [(await other.get()).body for _ in range(2)] == [b"/x", b"/x"]


VERSIONS = [  # the least that is configured, the most that the client speaks, what they agree on
    pytest.param("1.3", ssl.TLSVersion.TLSv1_2, None, id="1.3-refuses-1.2"),
    pytest.param("1.2", ssl.TLSVersion.TLSv1_2, "TLSv1.2", id="1.2-takes-1.2"),
    pytest.param("1.2", ssl.TLSVersion.TLSv1_3, "TLSv1.3", id="1.2-prefers-1.3"),
]


@pytest.mark.parametrize(("least", "most", "agreed"), VERSIONS)
async def test_old_versions_are_spoken_only_where_configuration_says_so(
    origin: Origin,
    clock: Clock,
    files: tuple[Path, Path],
    least: str,
    most: ssl.TLSVersion,
    agreed: str | None,
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files, tls_min_version=least)) as server:
        context = trusting(files)
        context.maximum_version = most
        if agreed is None:
            with pytest.raises(ssl.SSLError):
                async with connected(server, context):
                    pass
            await so(lambda: not server.connections)
            return
        async with connected(server, context) as client:
            assert client.writer.get_extra_info("ssl_object").version() == agreed
            assert (await client.get()).body == b"/x"


async def test_each_host_is_shown_its_certificate(
    origin: Origin, clock: Clock, files: tuple[Path, Path], tmp_path: Path
) -> None:
    other = make_certificate(tmp_path, "a.example", "*.b.example")
    hosts = (HostCertificate(names=("a.example", "*.b.example"), certificate=other[0], key=other[1]),)
    async with origin, serving(origin.url, clock, **in_tls(files, tls_hosts=hosts)) as server:
        for name, context in (
            ("edge.example", trusting(files)),
            ("a.example", trusting(other)),
            ("v.b.example", trusting(other, "h2", "http/1.1")),
        ):
            async with connected(server, context, name):
                pass
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connected(server, trusting(other), "elsewhere.example"):
                pass


async def test_a_session_is_resumed(origin: Origin, clock: Clock, files: tuple[Path, Path]) -> None:
    context = trusting(files)
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        assert server.tls_address is not None
        address = server.tls_address

        def visit(session: ssl.SSLSession | None) -> tuple[bool | None, ssl.SSLSession | None]:
            with (
                socket.create_connection(address, PATIENCE_S) as plain,
                context.wrap_socket(plain, server_hostname="edge.example", session=session) as tls,
            ):
                tls.sendall(ask("/x"))
                assert tls.recv(65536).startswith(b"HTTP/1.1 200")
                return tls.session_reused, tls.session

        is_resumed, session = await asyncio.to_thread(visit, None)
        assert not is_resumed
        assert (await asyncio.to_thread(visit, session))[0]


async def test_a_new_certificate_is_shown_after_a_reload_and_a_broken_one_is_not(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    files = make_certificate(tmp_path, "edge.example")
    old = trusting(files)
    async with (
        origin,
        serving(origin.url, clock, **in_tls(files)) as server,
        connected(server, old) as client,
    ):
        make_certificate(tmp_path, "edge.example")
        await server.reconfigure(server.config)
        async with connected(server, trusting(files)) as other:
            assert (await other.get()).body == b"/x"
        with pytest.raises(ssl.SSLCertVerificationError):
            async with connected(server, old):
                pass
        assert (await client.get()).body == b"/x"  # who is connected stays so
        new = trusting(files)
        files[1].write_text("no key")
        with pytest.raises(ConfigError, match="name a PEM chain"):
            await server.reconfigure(server.config)
        async with connected(server, new) as other:
            assert (await other.get()).body == b"/x"


async def test_a_large_answer_comes_whole(clock: Clock, files: tuple[Path, Path]) -> None:
    body = bytes(range(256)) * 4096 * 5
    origin = Origin(lambda asked: asked.reply(body, cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        async with connected(server, trusting(files)) as client:
            for _ in range(3):
                assert (await client.get()).body == body
        async with connected2(server, tls=trusting(files, "h2")) as other:
            for _ in range(2):
                assert (await other.get()).body == body


async def test_pipelined_requests_are_answered_in_order(
    origin: Origin, clock: Clock, files: tuple[Path, Path]
) -> None:
    tls = in_tls(files)
    async with (
        origin,
        serving(origin.url, clock, **tls) as server,
        connected(server, trusting(files)) as client,
    ):
        client.send(b"".join(ask(f"/{number}") for number in range(200)))
        for number in range(200):
            assert (await client.answer()).body == f"/{number}".encode()


async def test_a_large_request_body_goes_upstream(
    origin: Origin, clock: Clock, files: tuple[Path, Path]
) -> None:
    body = b"b" * 3 * MIB
    tls = in_tls(files)
    async with (
        origin,
        serving(origin.url, clock, **tls) as server,
        connected(server, trusting(files), limit_bytes=2**23) as client,
    ):
        assert (await client.post("/private", body)).body == b"/private" + body


async def test_a_slow_reader_costs_a_slice_and_not_its_body(clock: Clock, files: tuple[Path, Path]) -> None:
    body = b"a" * 32 * MIB
    origin = Origin(lambda asked: asked.reply(body, cache_control="max-age=60"), clock)
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        async with connected(server, trusting(files), limit_bytes=2**26) as client:
            await client.get()
        async with connected(server, trusting(files), limit_bytes=2**16) as client:
            client.send(ask())
            await so(lambda: server.counters.hits == 1)
            (connection,) = server.connections
            tls = connection.transport
            assert isinstance(tls, TlsConnection)
            unsent_bytes = -1
            while tls.get_write_buffer_size() != unsent_bytes:  # until nothing moves any more
                unsent_bytes = tls.get_write_buffer_size()
                await asyncio.sleep(0.1)
            assert unsent_bytes > 20 * MIB  # by reference
            assert tls.transport.get_write_buffer_size() < 2**17  # sealed
            assert (await client.answer()).body == body


async def test_a_connection_that_closes_says_farewell(
    origin: Origin, clock: Clock, files: tuple[Path, Path]
) -> None:
    context = trusting(files)
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        assert server.tls_address is not None
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="edge.example")
        reader, writer = await asyncio.open_connection(*server.tls_address)
        asked, got = False, b""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    if not asked:
                        tls.do_handshake()
                        tls.write(ask("/x", connection="close"))
                        asked = True
                    piece = tls.read(65536)
                    if not piece:
                        break  # the edge's farewell; without it, this would raise
                    got += piece
                except ssl.SSLWantReadError:
                    writer.write(outgoing.read())
                    incoming.write(await reader.read(65536))
        assert got.endswith(b"\r\n\r\n/x")
        writer.close()


async def test_what_is_no_tls_is_let_go(origin: Origin, clock: Clock, files: tuple[Path, Path]) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        assert server.tls_address is not None
        reader, writer = await asyncio.open_connection(*server.tls_address)
        client = Client(reader, writer)
        client.send(ask())
        assert not (await client.rest()).startswith(b"HTTP")
        await so(lambda: not server.connections)
        async with connected(server, trusting(files)) as other:  # nothing of it is left for the next
            assert (await other.get()).body == b"/x"
        client.leave()


async def test_a_handshake_that_takes_too_long_is_broken_off(
    origin: Origin, clock: Clock, files: tuple[Path, Path]
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        assert server.tls_address is not None
        reader, writer = await asyncio.open_connection(*server.tls_address)
        client = Client(reader, writer)
        await so(lambda: len(server.connections) == 1)
        clock.now_s += 11
        assert await client.rest() == b""
        await so(lambda: not server.connections)
        client.leave()


async def test_a_client_that_leaves_in_the_middle_is_forgotten(
    origin: Origin, clock: Clock, files: tuple[Path, Path]
) -> None:
    async with origin, serving(origin.url, clock, **in_tls(files)) as server:
        for protocols in ((), ("h2",)):
            async with connected(server, trusting(files, *protocols)):
                await so(lambda: len(server.connections) == 1)
            await so(lambda: not server.connections)


UNUSABLE = [  # certificate, key; what the message says
    pytest.param("absent", "key", "No such file", id="no-such-file"),
    pytest.param("certificate", "certificate", "name a PEM chain and its unencrypted key", id="no-key"),
    pytest.param("certificate", "encrypted", "the key is encrypted", id="an-encrypted-key"),
]


@pytest.mark.parametrize(("certificate", "key", "says"), UNUSABLE)
def test_files_that_cannot_be_used_are_a_mistake_of_configuration(
    files: tuple[Path, Path], tmp_path: Path, certificate: str, key: str, says: str
) -> None:
    encrypted = tmp_path / "encrypted.key"
    command = [program("openssl", "openssl"), "ec", "-in", str(files[1]), "-aes128", "-passout", "pass:abcd"]
    subprocess.run([*command, "-out", str(encrypted)], check=True, capture_output=True)
    paths = {"absent": tmp_path / "absent", "certificate": files[0], "key": files[1], "encrypted": encrypted}
    config = EdgeConfig(
        upstream="http://a", tls_listen=HERE, tls_certificate=paths[certificate], tls_key=paths[key]
    )
    with pytest.raises(ConfigError, match=says):
        Certificates(config)


def test_tls_needs_a_certificate() -> None:
    with pytest.raises(ConfigError, match="name tls_certificate and tls_key"):
        EdgeConfig(upstream="http://a", tls_listen=HERE)
