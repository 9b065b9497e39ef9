"""The gate's reasons are told once and in the reader's language; the gate's own words are what is translated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dialer.core.admission import decide
from dialer.core.call_times import shut
from dialer.core.hours import DailyRange, Hours
from dialer.core.proposal import Proposal
from dialer.core.suppression import Stop
from dialer.reports.callbacks import callbacks_table
from dialer.reports.language import Language
from dialer.reports.reasons import reasons
from tests.campaigns import NOW, campaign, customer, house
from tests.reports.made_up import callback

CHOSEN = "the customer chose this time"


@pytest.mark.parametrize(
    ("note", "chinese"),
    [
        (f"{CHOSEN}; {CHOSEN}", "客户预约了此时间"),
        ("the retry table says not yet; paused", "未到重拨时间；活动已暂停"),
        ("us-tcpa: 3 attempts in 24 h are allowed, and used up", "us-tcpa：24 小时内最多呼叫 3 次，已用完"),
        ("house: 1 call in a day of theirs is allowed, and used up", "本公司：客户当地一天内最多来电 1 次，已用完"),
        ("house: left alone for 7 days after no answer", "本公司：无人接听后7 天内不打扰"),
        ("starts on 2026-05-01", "活动于 2026-05-01 开始"),
        ("this person was called about something else lately", "近期已就其他事项致电该客户"),
        ("Eve closed it: moved away; no phone", "Eve closed it: moved away；no phone"),
        ("", ""),
    ],
)
def test_known_reasons_are_translated_and_others_stay(note: str, chinese: str) -> None:
    assert reasons(note, Language.ZH_CN) == chinese


def test_a_reason_is_told_once() -> None:
    assert reasons(f"{CHOSEN}; {CHOSEN}; paused", Language.EN) == f"{CHOSEN}; paused"
    (row,) = callbacks_table([callback(note=f"{CHOSEN}; {CHOSEN}")], Language.ZH_CN, ("note",)).rows
    assert row == ("客户预约了此时间",)


def test_hours_name_the_place_and_its_clock() -> None:
    closed = Hours.daily("house", [DailyRange.parse("01:00-02:00")])
    words = shut((closed,), ("Europe/London", "Asia/Tokyo"), NOW)
    assert reasons(words, Language.ZH_CN) == (
        "Europe/London 当地（周二 14:30）、Asia/Tokyo 当地（周二 23:30）不在本公司允许时段"
    )
    many = shut((closed,), ("Europe/London", "Asia/Tokyo", "Asia/Seoul", "Asia/Manila"), NOW)
    assert "等，另有 1 个时区不在" in reasons(many, Language.ZH_CN)


def test_every_word_of_an_ordinary_refusal_and_of_an_ordinary_wait_is_known() -> None:
    """A change of the gate's words that forgets the translation is noticed here."""
    plain = Proposal(customer=customer(), campaign=campaign(), enrolled=NOW)
    stop = Stop("number:+442079460000", "purpose:survey", "keypad", NOW)
    told = [
        decide(proposal, house(), at)
        for at in (NOW, NOW + timedelta(hours=9))
        for proposal in (
            plain,
            Proposal(customer=customer(), campaign=campaign(), enrolled=NOW, paused=True, in_call=True, attempts=99),
            Proposal(customer=customer(), campaign=campaign(), enrolled=NOW, not_before=NOW + timedelta(days=1)),
            Proposal(customer=customer(), campaign=campaign(), enrolled=NOW, stops=(stop,)),
        )
    ]
    words = {rule.reason for decision in told for rule in decision.rules if rule.name != "zone"}
    assert [word for word in words if reasons(word, Language.ZH_CN) == word] == []
