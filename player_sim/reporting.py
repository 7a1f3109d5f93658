"""What a player says of itself with each request: CMCD values from the session as it stands."""

from __future__ import annotations

from dataclasses import dataclass

from player_sim.cmcd import CmcdData, nearest_100
from player_sim.playback import Kind, Phase
from player_sim.session import Request, Session


@dataclass(slots=True)
class Reporter:
    session_id: str
    format: str | None = None  # h or d; None while the manifest is not there yet
    _stalls_told: int = 0

    def manifest(self) -> CmcdData:
        return CmcdData(ot="m", sf=self.format, sid=self.session_id, su=True)

    def init(self, session: Session) -> CmcdData:
        return CmcdData(
            ot="i",
            sf=self.format,
            sid=self.session_id,
            su=_is_urgent(session),
            mtp=_throughput_kbps(session),
        )

    def media(self, session: Session, request: Request) -> CmcdData:
        tracks, playback = request.lane.tracks, session.playback
        object_type = "av" if session.schedule.has_muxed_audio else "v"
        return CmcdData(
            ot="a" if request.kind is Kind.AUDIO else object_type,
            sf=self.format,
            sid=self.session_id,
            # Zero is a rate that the manifest does not give.
            br=round(tracks[request.rung].rendition.peak_bps / 1000) or None,
            bl=nearest_100(playback.buffer_s(request.kind) * 1000),
            bs=self._has_stalled_anew(session),
            d=round(request.duration_s * 1000),
            mtp=_throughput_kbps(session),
            su=_is_urgent(session),
            tb=round(max(track.rendition.peak_bps for track in tracks) / 1000) or None,
        )

    def _has_stalled_anew(self, session: Session) -> bool:
        playback = session.playback
        stalls = len(playback.stalls) + (playback.phase is Phase.STALLED)
        is_new, self._stalls_told = stalls > self._stalls_told, stalls
        return is_new


def _is_urgent(session: Session) -> bool:
    return session.playback.phase is not Phase.PLAYING


def _throughput_kbps(session: Session) -> int | None:
    throughput_bps = session.estimator.throughput_bps
    return None if throughput_bps is None else nearest_100(throughput_bps / 1000)
