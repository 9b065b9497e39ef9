"""Everything the reports say, they say in every language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import CallbackState, Reason
from dialer.reports.attempts import attempts_table
from dialer.reports.callbacks import callbacks_table
from dialer.reports.language import Language, say, word
from dialer.reports.next_step import Step
from dialer.reports.phrases import PHRASES
from dialer.reports.summary import summary_table
from dialer.reports.words import WORDS

if TYPE_CHECKING:
    from enum import StrEnum

ENUMERATIONS: tuple[type[StrEnum], ...] = (
    CallbackState,
    Reason,
    Ending,
    Network,
    AnsweredBy,
    Disposition,
    AttemptState,
    Step,
)


@pytest.mark.parametrize("language", Language)
def test_every_member_of_every_enumeration_has_a_word(language: Language) -> None:
    for enumeration in ENUMERATIONS:
        for member in enumeration:
            assert word(member, language)


def test_no_word_is_left_over() -> None:
    assert set(WORDS) == {f"{e.__name__}.{member.value}" for e in ENUMERATIONS for member in e}


def test_every_reason_to_hold_says_what_a_person_must_do() -> None:
    assert {f"held.{reason.value}" for reason in Reason} <= set(PHRASES)


@pytest.mark.parametrize("language", Language)
def test_every_column_has_a_heading_of_its_own(language: Language) -> None:
    for table in (callbacks_table([], language), attempts_table([], language), summary_table([], language)):
        headings = [column.heading for column in table.columns]
        assert all(headings)
        assert len(set(headings)) == len(headings)


def test_both_languages_fill_in_the_same_gaps() -> None:
    for english, chinese in PHRASES.values():
        assert english
        assert chinese
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))


def test_headings_use_the_words_of_the_call_centre() -> None:
    assert say("title.callbacks", Language.ZH_CN) == "回访统计表"
    assert say("figure.vip_coverage", Language.ZH_CN) == "VIP回访覆盖率"
