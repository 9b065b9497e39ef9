"""Reports on a terminal fit it, say what matters, and cannot be steered by a name."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.cells import cell_len
from rich.console import Console

from dialer.core.lifecycle import AttemptState
from dialer.core.outcome import Ending
from dialer.core.record import CallbackRecord, CallbackState, Reason
from dialer.reports import text
from dialer.reports.attempts import attempts_table
from dialer.reports.callbacks import callbacks_table
from dialer.reports.language import Language
from dialer.reports.summary import summaries
from tests.reports.made_up import NOW, attempt, callback, reached


def console(width: int = 100) -> Console:
    return Console(file=StringIO(), width=width, highlight=False)


def printed(made: Console) -> str:
    assert isinstance(made.file, StringIO)
    return made.file.getvalue()


def crowd() -> list[CallbackRecord]:
    """Every ending, reason and state, in several campaigns, with names that are far too long."""
    name = "Ein sehr langer Name, der nirgends hineinpasst " * 3
    rows = [
        callback(customer=f"C{n:03}", name=name, vip=n % 2 == 0, attempts=1, ending=e) for n, e in enumerate(Ending)
    ]
    rows += [callback(vip=True, state=CallbackState.HELD, reason=reason, name=name) for reason in Reason]
    rows += [callback(campaign=f"campaign number {n} with a long name", state=CallbackState.CALLING) for n in range(4)]
    return [*rows, reached(), callback()]


@pytest.mark.parametrize("language", Language)
def test_the_house_fits_a_hundred_columns_and_sixty_lines(language: Language) -> None:
    made = console()
    attempts = [attempt(), attempt(counted=False, state=AttemptState.REJECTED)]
    text.house_report(crowd(), attempts, NOW, language, made)
    lines = printed(made).splitlines()
    assert len(lines) < 60
    assert max(cell_len(line) for line in lines) <= 100


def test_the_house_tells_the_four_things() -> None:
    made = console()
    rows = [reached(), callback(customer="V1", vip=True, state=CallbackState.HELD, reason=Reason.NO_ZONE), callback()]
    text.house_report(rows, [attempt()], NOW, Language.EN, made)
    told = printed(made)
    for part in (
        "3 targeted = 1 attempted + 1 excluded + 1 pending",
        "1 attempts = 1 the customer felt + 0 not counted",
        "VIP coverage: 0.0 % (0/1)",
        "V1 王芳",
        "a person must ask for the zone",
        "What happens next",
    ):
        assert part in told


def test_the_house_tells_of_promises_and_of_duties_that_people_have() -> None:
    made = console()
    rows = [
        callback(customer="V1", vip=True, tasks=1, person="Li Na", feasible=False),
        callback(promises={"kept": 3, "missed": 1, "open": 1}),
    ]
    text.house_report(rows, [], NOW, Language.EN, made)
    told = printed(made)
    for part in (
        "Promises made: 5 · Promises open: 1 · Promises missed: 1 · Promises kept: 75.0 % (3/4)",
        "Deadlines that cannot be met: 1",
        "For a person to do: 1",
        "(Li Na)",
    ):
        assert part in told


def test_an_empty_house_says_so() -> None:
    made = console()
    text.house_report([], [], NOW, Language.EN, made)
    text.show(callbacks_table([]), made)
    text.show_summaries((), made, Language.EN)
    assert printed(made).count("Nothing is recorded for this selection.") == 3


def test_markup_and_control_characters_in_names_do_nothing() -> None:
    made = Console(file=StringIO(), width=100, force_terminal=True)
    text.show(callbacks_table([callback(name="[red]x[/red]\x1b[2J")]), made)
    assert "\x1b[2J" not in printed(made)
    assert "[red]x" in printed(made)


def test_narrow_terminals_get_the_columns_that_matter() -> None:
    narrow, wide = console(), console(400)
    text.show(attempts_table([attempt()]), narrow)
    text.show(attempts_table([attempt()]), wide)
    assert "Allowed because" not in printed(narrow)
    assert "Allowed because" in printed(wide)
    assert max(cell_len(line) for line in printed(narrow).splitlines()) <= 100
    assert "13800138000" not in printed(wide)


def test_long_reports_begin_before_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "ROWS_AT_ONCE", 2)
    made = console()
    text.show(callbacks_table([callback(customer=f"C{n}.") for n in range(5)]), made)
    told = printed(made)
    assert told.count("Next step") == 3
    assert all(f"C{n}." in told for n in range(5))


def test_the_summary_names_every_vip_gap() -> None:
    made = console()
    rows = [callback(customer=f"V{n:02}", vip=True) for n in range(20)]
    text.show_summaries(summaries(rows, [attempt()], NOW), made, Language.EN)
    assert all(f"V{n:02}" in printed(made) for n in range(20))


@pytest.mark.parametrize("language", Language)
def test_the_house_fits_eighty_columns_with_whole_headings(language: Language) -> None:
    made = console(80)
    text.house_report(crowd(), [attempt()], NOW, language, made)
    lines = printed(made).splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    headings, bars = "".join(lines[1:3]), "".join(lines[11:40])
    assert "…" not in headings + bars
    assert "Attempted" in headings or language is not Language.EN
    assert any(line.rstrip().endswith("100.0 %") for line in lines)
