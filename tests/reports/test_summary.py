"""The summary adds up whatever the record holds, and names every VIP who was not spoken to."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import AnsweredBy, Disposition, Ending, Network
from dialer.core.record import AttemptRecord, CallbackRecord, CallbackState, Reason
from dialer.reports import jsonl
from dialer.reports.language import Language, say
from dialer.reports.summary import gap_in_words, rates, summaries, summary_object, summary_table
from dialer.reports.table import Rate
from tests.reports.made_up import NOW, any_attempt, any_callback, attempt, callback, reached


@given(st.lists(any_callback, max_size=40), st.lists(any_attempt, max_size=40))
@pytest.mark.slow
def test_every_total_is_the_sum_of_its_parts(callbacks: list[CallbackRecord], attempts: list[AttemptRecord]) -> None:
    found = summaries(callbacks, attempts, NOW)
    assert sum(s.targeted for s in found) == len(callbacks)
    assert sum(s.attempts for s in found) == len(attempts)
    for summary in found:
        assert summary.targeted == summary.attempted + sum(summary.excluded.values()) + summary.pending
        assert summary.attempted == sum(summary.endings.values())
        assert summary.attempts == summary.counted + sum(summary.not_counted.values())
        assert len(summary.vip_gaps) == summary.vip_coverage.whole - summary.vip_coverage.part
        for rate in rates(summary).values():
            assert rate.value is None if not rate.whole else 0 <= (rate.value or 0) <= 1


@given(st.lists(any_callback, max_size=10), st.lists(any_attempt, max_size=10), st.sampled_from(Language))
@pytest.mark.slow
def test_the_table_and_the_json_tell_the_same(
    callbacks: list[CallbackRecord], attempts: list[AttemptRecord], language: Language
) -> None:
    found = summaries(callbacks, attempts, NOW)
    rows = list(summary_table(found, language).rows)
    stream = BytesIO()
    jsonl.write_objects(map(summary_object, found), stream)
    told = [json.loads(line) for line in stream.getvalue().decode().splitlines()]
    assert [t["targeted"] for t in told] == [s.targeted for s in found]
    assert all(len(row) == 7 for row in rows)
    for item in told:
        assert item["targeted"] == item["attempted"] + item["excluded"] + item["pending"]
        assert item["excluded"] == sum(item["excluded_by_reason"].values())


def test_each_place_of_the_partition() -> None:
    rows = [
        reached(),
        callback(attempts=2, ending=Ending.NO_ANSWER),
        callback(attempts=3, state=CallbackState.HELD, reason=Reason.UNREACHED, ending=Ending.BUSY),
        callback(state=CallbackState.HELD, reason=Reason.NO_ZONE),
        callback(state=CallbackState.CLOSED, reason=Reason.OPTED_OUT),
        callback(state=CallbackState.CLOSED, reason=Reason.OPTED_OUT),
        callback(),
        callback(state=CallbackState.CALLING),
    ]
    (summary,) = summaries(rows, [], NOW)
    assert (summary.targeted, summary.attempted, summary.pending) == (8, 3, 2)
    assert summary.excluded == {Reason.OPTED_OUT: 2, Reason.NO_ZONE: 1}
    assert summary.endings == {Ending.REACHED: 1, Ending.NO_ANSWER: 1, Ending.BUSY: 1}
    assert summary.coverage == Rate(1, 8)
    assert summary.reach == Rate(1, 3)


def test_on_time_judges_the_reached_and_those_past_their_deadline() -> None:
    rows = [
        reached(),
        reached(deadline=NOW - timedelta(hours=1)),
        callback(deadline=NOW - timedelta(hours=1)),
        callback(deadline=NOW),
        callback(deadline=NOW + timedelta(hours=1)),
    ]
    (summary,) = summaries(rows, [], NOW)
    assert summary.on_time == Rate(1, 4)


def test_each_vip_gap_is_named_with_its_reason_and_what_happens_next() -> None:
    rows = [
        reached(vip=True),
        callback(customer="V1", vip=True, state=CallbackState.HELD, reason=Reason.NO_ZONE),
        callback(customer="V2", vip=True, attempts=2, ending=Ending.BUSY),
        callback(customer="V3", vip=True, state=CallbackState.CLOSED, reason=Reason.OPTED_OUT),
        callback(customer="V4", vip=True, note="resting until 09:00 in Asia/Shanghai"),
        callback(customer="X"),
    ]
    (summary,) = summaries(rows, [], NOW)
    assert summary.vip_coverage == Rate(1, 5)
    words = {gap.customer: gap_in_words(gap, Language.EN) for gap in summary.vip_gaps}
    assert words == {
        "V1": "not called; time zone unknown; a person must ask for the zone",
        "V2": "called 2 times, last: busy; call again after 2026-03-03 17:30 UTC",
        "V3": "not called; nothing: opted out",
        "V4": "not called; resting until 09:00 in Asia/Shanghai; first call after 2026-03-03 17:30 UTC",
    }
    table = list(summary_table([summary]).rows)
    assert {str(row[2]).split()[0] for row in table if row[1] == "VIPs not yet spoken to"} == {"V1", "V2", "V3", "V4"}


def test_attempts_that_do_not_count_are_told_by_cause() -> None:
    rows = [
        attempt(),
        attempt(counted=False, state=AttemptState.REJECTED, answered=None, network=None),
        attempt(counted=False, state=AttemptState.UNKNOWN, answered=None, network=None),
        attempt(counted=False, state=AttemptState.FINAL, answered=None, network=Network.UNREACHABLE),
        attempt(counted=False, state=AttemptState.FINAL, answered=None, network=None),
    ]
    (summary,) = summaries([], rows, NOW)
    assert (summary.attempts, summary.counted) == (5, 1)
    assert summary.not_counted == {
        AttemptState.REJECTED: 1,
        AttemptState.UNKNOWN: 1,
        Network.UNREACHABLE: 1,
        Network.ERROR: 1,
    }


def test_machines_promises_and_opt_outs() -> None:
    rows = [
        attempt(answered_by=AnsweredBy.MACHINE, disposition=Disposition.NONE),
        attempt(answered_by=AnsweredBy.FAX, disposition=Disposition.NONE),
        attempt(),
        attempt(customer="C2", disposition=Disposition.OPTED_OUT),
        attempt(customer="C2", disposition=Disposition.OPTED_OUT),
        attempt(answered=None, network=Network.NO_ANSWER, answered_by=AnsweredBy.NOBODY, disposition=Disposition.NONE),
    ]
    (summary,) = summaries([], rows, NOW)
    assert (summary.machine, summary.opt_outs) == (Rate(2, 5), 1)


def test_promises_kept_are_a_rate_of_those_whose_time_has_come() -> None:
    rows = [
        callback(promises={"kept": 2, "replaced": 1}),
        callback(promises={"missed": 1}),
        callback(promises={"open": 1, "void": 1}),
        callback(),
    ]
    (summary,) = summaries(rows, [], NOW)
    assert (summary.promises, summary.promises_missed, summary.promises_open) == (6, 1, 1)
    assert summary.promises_kept == Rate(2, 3)
    told = summary_object(summary)
    assert (told["promises"], told["promises_missed"], told["promises_open"]) == (6, 1, 1)
    assert told["promises_kept"] == {"part": 2, "of": 3, "rate": 2 / 3}


@pytest.mark.parametrize("language", Language)
def test_promises_and_hopeless_deadlines_stand_in_the_summary_in_every_language(language: Language) -> None:
    found = summaries([callback(promises={"kept": 1, "missed": 3}, feasible=False)], [], NOW)
    figures = {row[2]: row[3:5] for row in summary_table(found, language).rows}
    assert figures[say("figure.promises_kept", language)] == (1, 4)
    assert figures[say("figure.promises_missed", language)] == (3, None)
    assert figures[say("figure.infeasible", language)] == (1, 1)


def test_only_a_deadline_known_to_be_hopeless_counts_as_one() -> None:
    rows = [callback(feasible=None), callback(feasible=True), callback(feasible=False)]
    (summary,) = summaries(rows, [], NOW)
    assert summary.infeasible == 1


def test_answers_are_counted_per_node() -> None:
    rows = [reached(answers={"satisfied": answer}) for answer in ("yes", "yes", "no")] + [reached()]
    (summary,) = summaries(rows, [], NOW)
    assert summary.answers == {"satisfied": {"yes": 2, "no": 1}}
    shown = [row for row in summary_table([summary]).rows if row[1] == "Answers"]
    assert [(row[2], row[3], row[4]) for row in shown] == [("satisfied: yes", 2, 3), ("satisfied: no", 1, 3)]


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (Rate(0, 0), "-"),
        (Rate(0, 7), "0.0 %"),
        (Rate(7, 7), "100.0 %"),
        (Rate(9999, 10000), "99.9 %"),
        (Rate(1, 100000), "0.1 %"),
        (Rate(2, 3), "66.7 %"),
    ],
)
def test_percentages_never_hide_somebody(rate: Rate, shown: str) -> None:
    assert rate.percent == shown


def test_a_rate_over_its_whole_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="not a rate"):
        Rate(3, 2)


def test_nothing_recorded_makes_no_summary() -> None:
    assert summaries([], [], NOW) == ()
