"""The HTML reports are well-formed, escaped, self-contained, and complete."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.core.outcome import Ending
from dialer.core.record import AttemptRecord, CallbackRecord, CallbackState, Reason
from dialer.reports import html
from dialer.reports.attempts import attempts_table
from dialer.reports.house import MOST_ROWS
from dialer.reports.language import Language, say
from dialer.reports.summary import summaries
from tests.reports.made_up import NOW, any_attempt, any_callback, attempt, callback, reached

VOID = {"meta", "br"}
HOSTILE = "<script>alert(1)</script>\"'&"


class Balance(HTMLParser):
    """Keeps what is open, and complains about what closes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        assert len({key for key, _ in attrs}) == len(attrs), f"<{tag}> repeats an attribute"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def tags(page: str) -> set[str]:
    balance = Balance()
    balance.feed(page)
    balance.close()
    assert balance.open == []
    return balance.seen


@pytest.mark.parametrize("language", Language)
def test_the_house_shows_promises_hopeless_deadlines_and_whose_task_it_is(language: Language) -> None:
    rows = [
        callback(customer="V-task", vip=True, tasks=1, person="Li Na", feasible=False),
        callback(customer="C-over", feasible=False, state=CallbackState.CLOSED, closed=NOW),
        callback(customer="C-later", promised_at=NOW, promises={"kept": 1, "missed": 3, "open": 1}),
    ]
    page = html.house_report(rows, [], NOW, language)
    tags(page)
    assert "Li Na" in page
    assert "25.0 % (1/4)" in page
    hopeless = page[page.index(f"<h2>{say('section.infeasible', language)}") :].partition("</section>")[0]
    assert "V-task" in hopeless
    assert "C-over" not in hopeless
    promised = page[page.index(f"<h2>{say('section.promised', language)}") :].partition("</section>")[0]
    assert "C-later" in promised


@pytest.mark.parametrize("language", Language)
def test_the_house_names_who_was_and_was_not_called(language: Language) -> None:
    rows = [
        reached(customer="C-reached"),
        callback(customer="C-busy", attempts=1, ending=Ending.BUSY),
        callback(customer="V-gap", vip=True, state=CallbackState.HELD, reason=Reason.NO_ZONE),
        callback(customer="C-promised", attempts=1, ending=Ending.PROMISED),
    ]
    page = html.house_report(rows, [attempt()], NOW, language)
    tags(page)
    assert f'<html lang="{language.value}">' in page
    for customer in ("C-reached", "C-busy", "V-gap", "C-promised"):
        assert customer in page
    assert "13800138000" not in page


@settings(max_examples=25)
@given(st.lists(any_callback, max_size=6), st.lists(any_attempt, max_size=6), st.sampled_from(Language))
def test_any_record_makes_a_well_formed_page(
    callbacks: list[CallbackRecord], attempts: list[AttemptRecord], language: Language
) -> None:
    assert "script" not in tags(html.house_report(callbacks, attempts, NOW, language))


def test_what_customers_are_called_is_never_markup() -> None:
    row = reached(name=HOSTILE, campaign=HOSTILE, vip=True, reached=None, answers={HOSTILE: HOSTILE}, note=HOSTILE)
    page = html.house_report([row], [attempt(campaign=HOSTILE)], NOW, Language.EN)
    assert "script" not in tags(page)
    assert "&lt;script&gt;" in page
    table, summary = BytesIO(), BytesIO()
    html.write(attempts_table([attempt(name=HOSTILE)]), table)
    html.write_summary(summaries([row], [], NOW), summary, NOW, Language.EN)
    for stream in (table, summary):
        assert "script" not in tags(stream.getvalue().decode())


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = html.house_report([reached()], [attempt()], NOW, Language.EN)
    assert tags(page).isdisjoint({"script", "link", "img", "iframe"})
    assert not re.search(r"https?://|url\(|@import", page)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page


def test_an_empty_record_is_a_page_as_well() -> None:
    for language in Language:
        tags(html.house_report([], [], NOW, language))
        stream = BytesIO()
        html.write_summary((), stream, NOW, language)
        tags(stream.getvalue().decode())


def test_long_lists_are_cut_and_say_so() -> None:
    page = html.house_report([callback(customer=f"N{n}.") for n in range(MOST_ROWS + 7)], [], NOW, Language.EN)
    assert "and 7 more" in page
    assert f"N{MOST_ROWS}." not in page


def test_a_table_page_tells_revealed_numbers_only_when_asked() -> None:
    for reveal in (False, True):
        stream = BytesIO()
        html.write(attempts_table([attempt()]), stream, reveal=reveal)
        page = stream.getvalue().decode()
        tags(page)
        assert ("+8613800138000" in page) is reveal
