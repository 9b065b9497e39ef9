"""The callback table (回访统计表): one row a callback, what was asked, what was answered, what happens next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.reports.language import Language
from dialer.reports.next_step import in_words
from dialer.reports.reasons import reasons
from dialer.reports.table import Field, Kind, Table, tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dialer.core.record import CallbackRecord

SUGGESTION_NODES = ("suggest", "improve")
"""Answers given at script nodes whose name begins like this are suggestions (handbook: any suggestions? what should
we improve?) and have a column of their own."""


def is_suggestion(node: str) -> bool:
    """Whether the script asks for a suggestion at `node`."""
    return node.startswith(SUGGESTION_NODES)


def _answers(answers: Mapping[str, str], *, suggestions: bool) -> Mapping[str, str]:
    return {node: answer for node, answer in answers.items() if is_suggestion(node) is suggestions}


FIELDS: tuple[Field[CallbackRecord], ...] = (
    Field("callback", lambda r, _: r.callback, Kind.NUMBER),
    Field("customer", lambda r, _: r.customer, brief=True),
    Field("name", lambda r, _: r.name, brief=True),
    Field("tier", lambda r, _: r.tier),
    Field("vip", lambda r, _: r.vip),
    Field("number", lambda r, _: r.number, Kind.PHONE),
    Field("campaign", lambda r, _: r.campaign, brief=True),
    Field("occasion", lambda r, _: r.occasion),
    Field("state", lambda r, _: r.state),
    Field("ending", lambda r, _: r.ending, brief=True),
    Field("code", lambda r, _: r.code),
    Field("answers", lambda r, _: _answers(r.answers, suggestions=False)),
    Field("suggestions", lambda r, _: _answers(r.answers, suggestions=True)),
    Field("agent", lambda r, _: r.agent),
    Field("due", lambda r, _: r.due, Kind.INSTANT),
    Field("deadline", lambda r, _: r.deadline, Kind.INSTANT),
    Field("slack", lambda r, _: r.slack, Kind.DURATION),
    Field("feasible", lambda r, _: r.feasible),
    Field("last_called", lambda r, _: r.last_called, Kind.INSTANT, brief=True),
    Field("reached", lambda r, _: r.reached, Kind.INSTANT),
    Field("attempts", lambda r, _: r.attempts, Kind.NUMBER, brief=True),
    Field("next_at", lambda r, _: r.next_at, Kind.INSTANT),
    Field("next_step", in_words, brief=True),
    Field("person", lambda r, _: r.person),
    Field("reason", lambda r, _: r.reason),
    Field("note", lambda r, language: reasons(r.note, language)),
)


def callbacks_table(
    records: Iterable[CallbackRecord], language: Language = Language.EN, keys: tuple[str, ...] | None = None
) -> Table:
    """The callback table, with all columns or those named by `keys`, in their order."""
    by_key = {field.key: field for field in FIELDS}
    fields = FIELDS if keys is None else tuple(by_key[key] for key in keys)
    return tabulate("title.callbacks", fields, records, language)
