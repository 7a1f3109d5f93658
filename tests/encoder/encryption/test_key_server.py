"""Key servers: what they are asked, and each way in which they fail as one line without a secret."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from encoder.encryption.key_server import fetch_keys
from encoder.encryption.settings import EncryptionError

pytestmark = pytest.mark.socket
KIDS = ["01" * 16, "02" * 16]


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def licence(*kids: str, key: bytes = b"\xfe" * 16) -> bytes:
    keys = [{"kty": "oct", "kid": base64url(bytes.fromhex(kid)), "k": base64url(key)} for kid in kids]
    return json.dumps({"keys": keys, "type": "temporary"}).encode()


class KeyServer(ThreadingHTTPServer):
    """Answers every POST alike and notes what it was asked."""

    def __init__(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.body, self.status, self.headers = body, status, headers or {}
        self.asked: list[tuple[dict[str, Any], dict[str, str]]] = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/license"


class _Handler(BaseHTTPRequestHandler):
    server: KeyServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((json.loads(body), dict(self.headers)))
        self.server.may_answer.wait(20)
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def running(server: KeyServer) -> Iterator[KeyServer]:
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.may_answer.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_server_is_asked_once_as_for_a_clearkey_licence() -> None:
    with running(KeyServer(licence(*KIDS))) as server:
        found = fetch_keys(server.url, KIDS, token="let-me-in")
    assert {kid: key.key for kid, key in found.items()} == dict.fromkeys(KIDS, b"\xfe" * 16)
    ((body, headers),) = server.asked
    assert body == {"kids": [base64url(bytes.fromhex(kid)) for kid in KIDS], "type": "temporary"}
    assert headers["Authorization"] == "Bearer let-me-in"
    assert headers["Content-Type"] == "application/json"


BAD = [
    pytest.param(b"no", 200, "the key server's answer is no", id="no-json"),
    pytest.param(b"[]", 200, "the key server's answer is no", id="no-object"),
    pytest.param(b'{"keys": [7]}', 200, "the key server's answer is no", id="no-keys"),
    pytest.param(licence(*KIDS, key=b"\xfe" * 15), 200, "16 bytes each", id="short-key"),
    pytest.param(licence(KIDS[0]), 200, f"gave no key for {KIDS[1]}", id="key-missing"),
    pytest.param(b"", 403, "answered 403 Forbidden", id="forbidden"),
    pytest.param(licence(*KIDS), 500, "answered 500", id="server-error"),
]


@pytest.mark.parametrize(("body", "status", "message"), BAD)
def test_a_bad_answer_is_one_line_without_secrets(body: bytes, status: int, message: str) -> None:
    with (
        running(KeyServer(body, status)) as server,
        pytest.raises(EncryptionError, match=message) as caught,
    ):
        fetch_keys(f"{server.url}?secret=s3cr3t", KIDS, token="let-me-in")
    assert_nothing_is_given_away(caught.value)
    assert str(caught.value).startswith(server.url)


def assert_nothing_is_given_away(error: EncryptionError) -> None:
    line = str(error)
    assert "\n" not in line
    for secret in ("let-me-in", "s3cr3t", base64url(b"\xfe" * 16)[:8], "fefefe"):
        assert secret not in line


def test_nobody_is_followed_to_another_server() -> None:
    with running(KeyServer(licence(*KIDS))) as other:
        moved = KeyServer(b"", 307, {"Location": other.url})
        with running(moved) as server, pytest.raises(EncryptionError, match="answered 307"):
            fetch_keys(server.url, KIDS, token="let-me-in")
    assert other.asked == []


def test_a_server_that_never_answers_is_left() -> None:
    with running(KeyServer(b"")) as server:
        server.may_answer.clear()
        with pytest.raises(EncryptionError, match=r"no answer"):
            fetch_keys(server.url, KIDS, timeout_s=0.2)


def test_a_server_that_is_not_there_is_told() -> None:
    with running(KeyServer(b"")) as server:
        url = server.url
    with pytest.raises(EncryptionError, match="cannot be reached: Connection refused"):
        fetch_keys(url, KIDS)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "keys.example", "ftp://keys.example/", "http://[", ""])
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(EncryptionError, match="not an http"):
        fetch_keys(url, KIDS)
