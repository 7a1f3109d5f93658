"""CMCD as it is written (CTA-5004)."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote

import pytest

from player_sim.abr import RULES
from player_sim.cmcd import CmcdData, header_fields, nearest_100, query_argument
from player_sim.reporting import Reporter
from player_sim.schedule import schedule_of
from player_sim.session import PlayerSettings, Request, Session
from tests.player_sim.titles import audio_track, movie, with_audio

FULL = CmcdData(br=3200, bl=21300, bs=True, d=4004, mtp=25400, ot="v", sf="h", sid="6e2f-1", su=True, tb=6000)


def test_the_query_has_its_keys_in_alphabetical_order_and_only_strings_in_quotes() -> None:
    assert unquote(query_argument(FULL)) == (
        'CMCD=bl=21300,br=3200,bs,d=4004,mtp=25400,ot=v,sf=h,sid="6e2f-1",st=v,su,tb=6000'
    )


def test_the_query_is_percent_encoded_as_one_value() -> None:
    query = query_argument(CmcdData(sf="d", sid="a", ot="m"))
    assert query == "CMCD=ot%3Dm%2Csf%3Dd%2Csid%3D%22a%22%2Cst%3Dv"


def test_the_four_header_fields_share_the_keys() -> None:
    assert header_fields(FULL) == {
        "CMCD-Object": "br=3200,d=4004,ot=v,tb=6000",
        "CMCD-Request": "bl=21300,mtp=25400,su",
        "CMCD-Session": 'sf=h,sid="6e2f-1",st=v',
        "CMCD-Status": "bs",
    }


def test_a_header_without_keys_is_not_sent() -> None:
    assert set(header_fields(CmcdData(sf="h", sid="a", ot="m"))) == {"CMCD-Object", "CMCD-Session"}


@pytest.mark.parametrize(("value", "rounded"), [(0, 0), (49.9, 0), (50, 100), (149, 100), (21345, 21300)])
def test_values_are_rounded_to_the_nearest_hundred(value: float, rounded: int) -> None:
    assert nearest_100(value) == rounded


def started() -> Session:
    title = with_audio(movie(), audio_track(segment_s=4.0, count=5))
    return Session(schedule_of(title), RULES["bba"](), PlayerSettings(startup_s=0.0, resume_s=0.0))


def next_request(session: Session, now_s: float) -> Request:
    action = session.next_action(now_s)
    assert isinstance(action, Request)
    return action


def test_the_first_segment_is_urgent_and_knows_nothing_of_the_link() -> None:
    session = started()
    data = Reporter("id", "h").media(session, next_request(session, 0.0))
    assert (data.ot, data.br, data.tb, data.d, data.bl) == ("v", 1000, 4000, 4000, 0)
    assert (data.su, data.bs, data.mtp) == (True, False, None)


def test_while_playing_a_request_tells_buffer_and_throughput_and_is_not_urgent() -> None:
    session = started()
    for now_s in (0.0, 1.0):
        next_request(session, now_s)
        session.first_byte(now_s)
        session.completed(now_s + 1.0, 512_345)
    video = next_request(session, 3.26)
    data = Reporter("id", "h").media(session, video)
    assert (data.su, data.bl, data.mtp) == (False, 2700, 4100)
    session.first_byte(3.26)
    session.completed(3.3, 64_000)
    audio = Reporter("id", "h").media(session, next_request(session, 3.3))
    assert (audio.ot, audio.br, audio.tb) == ("a", 128, 128)


def test_a_rung_that_carries_its_sound_is_an_audiovisual_object() -> None:
    title = movie()
    muxed = tuple(
        replace(track, rendition=replace(track.rendition, codecs="avc1.64001f,mp4a.40.2"))
        for track in title.video
    )
    session = Session(schedule_of(replace(title, video=muxed)), RULES["bba"](), PlayerSettings())
    assert Reporter("id", "h").media(session, next_request(session, 0.0)).ot == "av"


def test_a_stall_is_told_once_while_it_makes_requests_urgent() -> None:
    session, reporter = started(), Reporter("id", "h")
    for now_s in (0.0, 1.0):
        next_request(session, now_s)
        session.completed(now_s + 1.0, 512_345)
    request = next_request(session, 9.0)
    first, second = reporter.media(session, request), reporter.media(session, request)
    assert (first.bs, first.su, first.bl) == (True, True, 0)
    assert (second.bs, second.su) == (False, True)
