"""Have GStreamer play an address to its end, as fast as it can, and tell what came out, as one line of JSON.

    python3 gst_play.py URL FOLDER

Run by Debian's own Python, which has GStreamer's bindings. The picture goes to FOLDER/picture as 16x16 grey
pixels a frame, the sound to FOLDER/sound as 16-bit mono at 8 kHz, the subtitles to FOLDER/text.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst  # noqa: E402

BRANCHES = {
    "video": "videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=16,height=16 ! filesink",
    "audio": "audioconvert ! audioresample ! audio/x-raw,format=S16LE,channels=1,rate=8000 ! filesink",
    "text": "filesink",
}
FILES = {"video": "picture", "audio": "sound", "text": "text"}
KINDS = {"video": Gst.StreamType.VIDEO, "audio": Gst.StreamType.AUDIO, "text": Gst.StreamType.TEXT}


def facts_of(stream: Any) -> dict[str, Any]:
    tags = stream.get_tags()
    language = tags.get_string("language-code")[1] if tags else None
    caps = stream.get_caps()
    kind = next(name for name, type_ in KINDS.items() if stream.get_stream_type() & type_)
    return {"kind": kind, "language": language, "caps": caps.to_string() if caps else None}


class Playing:
    """One address from its first message to its last."""

    def __init__(self, url: str, folder: str) -> None:
        self.folder = folder
        self.streams: list[dict[str, Any]] = []
        self.decoded: set[str] = set()
        self.pipeline = Gst.Pipeline.new("player")
        self.source = Gst.ElementFactory.make("uridecodebin3", "source")
        self.source.set_property("uri", url)
        self.source.connect("pad-added", self.take)
        self.source.connect("deep-element-added", self.note)
        self.pipeline.add(self.source)

    def note(self, _bin: Any, _sub_bin: Any, element: Any) -> None:
        factory = element.get_factory()
        if factory and "Decoder" in (factory.get_metadata("klass") or ""):
            self.decoded.add(factory.get_name())

    def take(self, _source: Any, pad: Any) -> None:
        kind = pad.get_name().partition("_")[0]
        branch = Gst.parse_bin_from_description(
            f"{BRANCHES[kind]} async=false location={self.folder}/{FILES[kind]}", True
        )
        self.pipeline.add(branch)
        branch.sync_state_with_parent()
        pad.link(branch.get_static_pad("sink"))

    def know(self, collection: Any) -> None:
        """Which of them are played is left to GStreamer: at times 1.22 never starts once it is told."""
        self.streams = [facts_of(collection.get_stream(n)) for n in range(collection.get_size())]

    def run(self) -> str | None:
        """Returns what went wrong; None: nothing."""
        bus = self.pipeline.get_bus()
        self.pipeline.set_state(Gst.State.PLAYING)
        wanted = Gst.MessageType.EOS | Gst.MessageType.ERROR | Gst.MessageType.STREAM_COLLECTION
        try:
            while True:
                message = bus.timed_pop_filtered(Gst.CLOCK_TIME_NONE, wanted)
                if message.type == Gst.MessageType.EOS:
                    return None
                if message.type == Gst.MessageType.ERROR:
                    error, detail = message.parse_error()
                    return f"{message.src.get_name()}: {error.message} {detail}"
                if message.type == Gst.MessageType.STREAM_COLLECTION:  # the mask lets its neighbours through
                    self.know(message.parse_stream_collection())
        finally:
            self.pipeline.set_state(Gst.State.NULL)


def main(url: str, folder: str) -> None:
    Gst.init(None)
    playing = Playing(url, folder)
    error = playing.run()
    facts = {
        "version": Gst.version_string().removeprefix("GStreamer "),
        "error": error,
        "streams": playing.streams,
        "decoders": sorted(playing.decoded),
    }
    sys.stdout.write(json.dumps(facts) + "\n")


main(*sys.argv[1:])
