"""The callback table tells what was answered and what happens next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.outcome import Ending
from dialer.core.record import CallbackRecord, CallbackState, Reason
from dialer.reports.callbacks import callbacks_table
from dialer.reports.language import Language
from dialer.reports.next_step import in_words
from tests.reports.made_up import NOW, any_callback, callback, reached

if TYPE_CHECKING:
    from dialer.reports.table import Cell


def row(record: CallbackRecord) -> dict[str, Cell]:
    table = callbacks_table([record])
    (cells,) = table.rows
    return dict(zip((column.key for column in table.columns), cells, strict=True))


def test_suggestions_stand_apart_from_answers() -> None:
    told = row(reached(answers={"satisfied": "no", "suggestions": "call earlier", "improve_what": "speed"}))
    assert told["answers"] == {"satisfied": "no"}
    assert told["suggestions"] == {"suggestions": "call earlier", "improve_what": "speed"}


def test_slack_and_whether_it_was_enough() -> None:
    told = row(callback(slack=timedelta(hours=3), feasible=True, person="Li Na"))
    assert (told["slack"], told["feasible"], told["person"]) == (timedelta(hours=3), True, "Li Na")
    unknown = row(callback())
    assert (unknown["slack"], unknown["feasible"]) == (None, None)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (callback(promised_at=NOW + timedelta(hours=3)), "call at the promised time, 2026-03-03 17:30 UTC"),
        (
            callback(attempts=1, ending=Ending.PROMISED, promises={"missed": 1}),
            "call again after 2026-03-03 17:30 UTC",
        ),
        (callback(), "first call after 2026-03-03 17:30 UTC"),
        (callback(attempts=1, ending=Ending.BUSY), "call again after 2026-03-03 17:30 UTC"),
        (callback(attempts=1, ending=Ending.PROMISED), "call at the promised time, 2026-03-03 17:30 UTC"),
        (callback(next_at=None), "first call after 2026-03-02 14:30 UTC"),
        (callback(state=CallbackState.CALLING), "being called now"),
        (reached(), "nothing: reached"),
        (callback(state=CallbackState.CLOSED, reason=Reason.EXPIRED), "nothing: campaign's time used up"),
        (callback(state=CallbackState.HELD, reason=Reason.NO_ZONE), "a person must ask for the zone"),
        (
            callback(state=CallbackState.HELD, reason=Reason.UNREACHED, deadline=NOW + timedelta(hours=1)),
            "a person must reach the customer before 2026-03-03 15:30 UTC",
        ),
        (callback(state=CallbackState.HELD), "a person must look at it"),
    ],
)
def test_the_next_step_in_words(record: CallbackRecord, words: str) -> None:
    assert in_words(record, Language.EN) == words


@given(any_callback, st.sampled_from(Language))
def test_every_callback_has_a_next_step(record: CallbackRecord, language: Language) -> None:
    assert in_words(record, language)


def test_rows_are_made_while_they_are_read() -> None:
    asked = 0

    def endless() -> object:
        nonlocal asked
        while True:
            asked += 1
            yield replace(callback(), callback=asked)

    rows = iter(callbacks_table(endless()).rows)  # type: ignore[arg-type]  # a generator without an end
    assert [next(rows)[0], next(rows)[0]] == [1, 2]
    assert asked == 2
