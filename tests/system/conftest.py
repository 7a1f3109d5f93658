"""Fixtures for all system tests."""

from __future__ import annotations

from tests.system.browser import page
from tests.system.programs import unprivileged
from tests.system.streams import library, link, page_server, server, stream, title

__all__ = ["library", "link", "page", "page_server", "server", "stream", "title", "unprivileged"]
