"""What this edge proves to be, and to whom: TLS contexts by host name (RFC 8446; RFC 6066, 3; RFC 7301).

Read at the start and again on SIGHUP; connections that are open keep what they began with.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from edge.config import EdgeConfig
from service.config import ConfigError

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_PROTOCOLS = ["h2", "http/1.1"]  # in the order of our preference
# For TLS 1.2: forward secrecy and authenticated encryption only, as RFC 9113, 9.2.2, wants it.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


class Certificates:
    """The contexts of a configuration with `tls_listen`. Raises ConfigError where one cannot be used."""

    def __init__(self, config: EdgeConfig) -> None:
        # TLS writes its records here, and whoever called it takes them out at once: so many connections
        # can share one buffer, instead of each keeping what its longest answer took.
        self.outgoing = ssl.MemoryBIO()
        self.reload(config)

    def reload(self, config: EdgeConfig) -> None:
        """Read the files that `config` names. Raises ConfigError, and then the old ones stay in use."""
        if config.tls_certificate is None or config.tls_key is None:
            raise ConfigError("tls_listen needs tls_certificate and tls_key")
        default = _context(config, config.tls_certificate, config.tls_key)
        hosts = {
            name.lower(): context
            for host in config.tls_hosts
            for context in [_context(config, host.certificate, host.key)]
            for name in host.names
        }
        default.sni_callback = lambda tls, name, _: _choose(tls, hosts.get(_known(name, hosts)))
        self.context = default


def _context(config: EdgeConfig, certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.tls_min_version]
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(_PROTOCOLS)
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise ConfigError(
            f"{certificate}, {key}: {reason}; name a PEM chain and its unencrypted key"
        ) from None
    return context


def _no_password() -> str:
    """A key that asks for one would have us wait at a terminal."""
    raise ValueError("the key is encrypted")


def _known(name: str | None, hosts: dict[str, Any]) -> str:
    """The entry for a host name: itself, or the wildcard of its domain (RFC 9525, 6.3)."""
    name = (name or "").lower()
    return name if name in hosts else "*." + name.partition(".")[2]


def _choose(tls: ssl.SSLObject | ssl.SSLSocket, context: ssl.SSLContext | None) -> None:
    if context is not None:
        tls.context = context
