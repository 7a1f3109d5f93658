"""A key server is asked as for a ClearKey licence (W3C EME, 9.1.3 and 9.1.4): one POST, ids in, keys out."""

from __future__ import annotations

import base64
import binascii
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from encoder.encryption.settings import EncryptionError
from media.encryption.keys import KEY_BYTES, ContentKey

_TIMEOUT_S = 10.0
_MOST_BYTES = 2**20


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Key ids and a token are for the server that was named, and for no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def fetch_keys(
    url: str, key_ids: Sequence[str], token: str | None = None, timeout_s: float = _TIMEOUT_S
) -> dict[str, ContentKey]:
    """The key of each id. Raises EncryptionError, which holds neither a key, nor the token, nor the query."""
    shown = _shown(url)
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = json.dumps({"kids": [_base64url(bytes.fromhex(kid)) for kid in key_ids], "type": "temporary"})
    try:
        request = urllib.request.Request(url, body.encode(), headers, method="POST")
        opener = urllib.request.build_opener(_NoRedirects)
        with opener.open(request, timeout=timeout_s) as response:
            answer = response.read(_MOST_BYTES)
    except urllib.error.HTTPError as error:
        error.close()
        raise EncryptionError(f"{shown}: the key server answered {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise EncryptionError(f"{shown}: the key server cannot be reached: {_reason(error.reason)}") from None
    except TimeoutError:
        raise EncryptionError(f"{shown}: no answer of the key server in {timeout_s:g} s") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EncryptionError(f"{shown}: no answer of the key server: {type(error).__name__}") from None
    found = _keys(shown, answer)
    if missing := [kid for kid in key_ids if kid not in found]:
        raise EncryptionError(f"{shown}: the key server gave no key for {', '.join(missing)}")
    return {kid: found[kid] for kid in key_ids}


def _keys(shown: str, answer: bytes) -> dict[str, ContentKey]:
    """A JSON Web Key set of octets."""
    try:
        found = {}
        for each in json.loads(answer)["keys"]:
            key_id, key = _octets(each["kid"]), _octets(each["k"])
            if len(key_id) != KEY_BYTES or len(key) != KEY_BYTES:
                raise ValueError
            found[key_id.hex()] = ContentKey(key_id.hex(), key)
        return found
    except (ValueError, LookupError, TypeError, AttributeError, binascii.Error):
        message = 'no {"keys": [{"kty": "oct", "kid": …, "k": …}]} with 16 bytes each'
        raise EncryptionError(f"{shown}: the key server's answer is {message}") from None


def _octets(text: str) -> bytes:
    """base64url without padding (RFC 7515, 2)."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _reason(reason: object) -> str:
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return (reason.strerror or type(reason).__name__) if isinstance(reason, OSError) else str(reason)


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname:
            port = f":{parts.port}" if parts.port else ""
            return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
    except ValueError:
        pass
    raise EncryptionError("--key-server: not an http(s) address")
