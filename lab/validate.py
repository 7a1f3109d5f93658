"""`penstock validate`: judge anybody's HLS and DASH by the rules of `media.rules`, by URL or in a folder."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.text import Text
from typer import Argument, Exit, Option

from encoder.decoding import decode_segment
from lab.reading import Reader
from media.facts.model import Address, Decoded, Seen, Stream, Track, Want
from media.manifest import ManifestError, printable
from media.rules import RULES
from media.rules.base import Finding, Severity
from media.validation import gather, judge, with_decoded
from service.command import fail

_PLACES = 5  # of one rule, unless --all
_MOST_BYTES = 64 * 2**20  # of a segment
_REQUEST = aiohttp.ClientTimeout(total=60, sock_connect=10)
_COLOURS = {Severity.MUST: "bold red", Severity.SHOULD: "yellow"}


class _Unusable(Exception):  # noqa: N818
    """There is nothing to judge; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    stream: Stream
    findings: list[Finding]
    decoded: int

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)


def validate_command(
    target: Annotated[
        str, Argument(metavar="URL-OR-FOLDER", help="A manifest's URL or file, or a title's folder.")
    ],
    deep: Annotated[
        bool, Option("--deep", help="Read every segment whole, decode it and count its frames.")
    ] = False,
    everything: Annotated[
        bool, Option("--all", help="Show each place, not the first five of a rule.")
    ] = False,
    timeout: Annotated[float, Option(metavar="S", help="Give up after so many seconds.")] = 600.0,
    as_json: Annotated[bool, Option("--json", help="Write JSON.")] = False,
) -> None:
    """Say what is wrong with a stream, where, and by which rule.

    Exit code 0 only if nothing is broken that must hold; 1 if something is; 2 if there is nothing to judge.

    Example: penstock validate http://127.0.0.1:8080/v/clip/1f3a9b2c4d5e/master.m3u8 --deep
    """
    try:
        verdict = asyncio.run(_validate(target, deep, timeout))
    except TimeoutError:
        raise fail("validate", f"{target}: not done after {timeout:g} s; raise it with --timeout") from None
    except (_Unusable, ManifestError) as error:
        raise fail("validate", printable(str(error))) from None
    if as_json:
        print(json.dumps(_as_json(target, verdict), indent=1, ensure_ascii=False))
    else:
        _show(verdict, Console(soft_wrap=True, highlight=False), sys.maxsize if everything else _PLACES)
    if verdict.count(Severity.MUST):
        raise Exit(1)


async def _validate(target: str, deep: bool, timeout_s: float) -> _Verdict:
    async with asyncio.timeout(timeout_s), aiohttp.ClientSession(timeout=_REQUEST) as client:
        if "://" in target:
            reader = Reader(client)
            uris = await _web_manifests(target, reader)
        else:
            paths = _local_manifests(Path(target))
            reader = Reader(client, paths[0].parent)
            uris = [path.resolve().as_uri() for path in paths]
        columns = SpinnerColumn(), TextColumn("{task.description}")
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("reading")

            def show(done: int, what: str) -> None:
                progress.update(task, description=f"{what}: {done}, {reader.read_bytes / 1e6:.1f} MB")

            stream = await _gathered(uris, reader, show)
            decoded = await _decoded(stream, reader, show) if deep else {}
        return _Verdict(with_decoded(stream, decoded), judge(with_decoded(stream, decoded)), len(decoded))


def _local_manifests(path: Path) -> list[Path]:
    """The file itself, or a folder's HLS and DASH manifests."""
    try:
        if path.is_file():
            return [path]
        if not path.is_dir():
            raise _Unusable(f"{path}: no such file or folder; name a title's folder, a manifest, or a URL")
        found = [*_multivariant(path), *sorted(path.glob("*.mpd"))]
    except OSError as error:
        raise _Unusable(f"{path}: {error.strerror}") from None
    if not found:
        raise _Unusable(f"{path}: holds no .m3u8 and no .mpd; name the folder of one title")
    mpds = [each for each in found if each.suffix == ".mpd"]
    if len(mpds) > 1 or len(found) - len(mpds) > 1:
        names = ", ".join(each.name for each in found)
        raise _Unusable(f"{path}: holds several manifests ({names}); name one of them")
    return found


def _multivariant(folder: Path) -> list[Path]:
    """The playlists that list variants; if none does, all."""
    playlists = sorted(folder.glob("*.m3u8"))
    found = [path for path in playlists if b"#EXT-X-STREAM-INF" in path.read_bytes()]
    return found or playlists


async def _web_manifests(target: str, reader: Reader) -> list[str]:
    """A URL that ends in a slash is a title's folder on a web server."""
    if not target.endswith("/"):
        return [target]
    uris = [target + name for name in ("master.m3u8", "manifest.mpd")]
    answers = await reader.read_all([Want(uri, 0, 1) for uri in uris])
    if found := [uri for uri, answer in zip(uris, answers, strict=True) if not answer.problem]:
        return found
    raise _Unusable(f"{target}: neither master.m3u8 ({answers[0].problem}) nor manifest.mpd is there")


async def _gathered(uris: Sequence[str], reader: Reader, show: Any) -> Stream:
    gathering = gather(uris)
    wants, done = next(gathering), 0
    while True:
        answers = await reader.read_all(wants)
        done += len(wants)
        show(done, "read")
        try:
            wants = gathering.send(answers)
        except StopIteration as end:
            stream: Stream = end.value
            return stream


async def _decoded(stream: Stream, reader: Reader, show: Any) -> dict[Address, Decoded]:
    """Each segment that is not encrypted, one after another: a decoder keeps a core busy by itself."""
    decoded: dict[Address, Decoded] = {}
    inits: dict[Address, bytes] = {}
    for track, seen in _decodable(stream):
        init = seen.listed.init
        if init and init not in inits:
            inits = {init: (await reader.read(_whole(init))).data}
        answer = await reader.read(_whole(seen.listed.address))
        if not answer.problem:
            header = inits[init] if init else b""
            decoded[seen.listed.address] = await asyncio.to_thread(decode_segment, header, answer.data)
        show(len(decoded), f"decoded, {track.where}")
    return decoded


def _decodable(stream: Stream) -> Iterator[tuple[Track, Seen]]:
    for track in stream.tracks:
        for seen in track.segments:
            is_closed = seen.listed.is_encrypted or (seen.header is not None and seen.header.is_protected)
            is_headless = seen.listed.init is not None and seen.header is None
            if not (is_closed or is_headless or seen.is_missing or seen.problem):
                yield track, seen


def _whole(address: Address) -> Want:
    uri, byte_range = address
    if byte_range is None:
        return Want(uri, 0, _MOST_BYTES)
    return Want(uri, byte_range[0], min(_MOST_BYTES, byte_range[1] - byte_range[0] + 1))


def _show(verdict: _Verdict, console: Console, most_places: int) -> None:
    """The broken rules, each with its places; what was not looked into; the count."""
    for severity in Severity:
        for rule in RULES:
            places = [f for f in verdict.findings if f.rule == rule.id and rule.severity is severity]
            if not places:
                continue
            console.print(Text.assemble((f"{severity:<7}", _COLOURS[severity]), (rule.id, "bold")))
            console.print(f"       {rule.text} ({rule.section})", markup=False, style="dim")
            for finding in places[:most_places]:
                console.print(f"       {printable(finding.where)}: {printable(finding.what)}", markup=False)
            if len(places) > most_places:
                console.print(f"       and {len(places) - most_places} more; --all shows them", style="dim")
    for note in verdict.stream.notes:
        console.print(f"note   {printable(note)}", markup=False, style="dim")
    broken, doubtful = verdict.count(Severity.MUST), verdict.count(Severity.SHOULD)
    looked = f"{len(verdict.stream.tracks)} renditions, {_segments(verdict.stream)} segments"
    if verdict.decoded:
        looked += f" ({verdict.decoded} decoded)"
    outcome = Text("broken" if broken else "good", "bold red" if broken else "bold green")
    console.print(outcome, Text(f"{looked}, {len(RULES)} rules: {broken} must, {doubtful} should"))


def _segments(stream: Stream) -> int:
    return sum(len(track.segments) for track in stream.tracks)


def _as_json(target: str, verdict: _Verdict) -> dict[str, Any]:
    rules = {rule.id: rule for rule in RULES}
    return {
        "target": target,
        "is_good": not verdict.count(Severity.MUST),
        "must": verdict.count(Severity.MUST),
        "should": verdict.count(Severity.SHOULD),
        "rules": len(RULES),
        "renditions": len(verdict.stream.tracks),
        "segments": _segments(verdict.stream),
        "decoded": verdict.decoded,
        "findings": [
            asdict(finding) | {"section": rules[finding.rule].section, "text": rules[finding.rule].text}
            for finding in verdict.findings
        ],
        "notes": list(verdict.stream.notes),
    }
