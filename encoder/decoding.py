"""Decoding what was published, to count its frames: a door to PyAV, with `encoder/probe.py`.

A CMAF segment decodes by itself behind its init segment, and so does one of MPEG-TS: one that needs the
segment before it is broken.
"""

from __future__ import annotations

from io import BytesIO

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from media.facts.model import Decoded


def decode_segment(init: bytes, data: bytes) -> Decoded:
    """Decode a segment's picture, or its sound if it has none; whatever is wrong is in `problem`."""
    # Every frame counts, also those that an edit list hides.
    options = {"ignore_editlist": "1"} if init else {}
    frames, first_is_key = 0, False
    try:
        with av.open(BytesIO(init + data), mode="r", options=options) as container:
            streams = container.streams.video or container.streams.audio
            if not streams:
                return Decoded(frames=0, starts_with_key_frame=False, problem="holds no picture and no sound")
            for frame in container.decode(streams[0]):
                is_key = not isinstance(frame, VideoFrame) or frame.key_frame
                first_is_key = is_key if not frames else first_is_key
                frames += 1
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = f"does not decode after {frames} frames: {reason}"
        return Decoded(frames=frames, starts_with_key_frame=first_is_key, problem=problem)
    problem = "" if frames else "no frame of it decodes"
    return Decoded(frames=frames, starts_with_key_frame=first_is_key, problem=problem)
