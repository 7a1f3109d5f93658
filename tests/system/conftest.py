"""Fixtures for all system tests."""

from __future__ import annotations

from tests.system.browser import page
from tests.system.streams import clip, link, page_server, server, stream

__all__ = ["clip", "link", "page", "page_server", "server", "stream"]
