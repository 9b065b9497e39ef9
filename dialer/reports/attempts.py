"""The attempts log: every dial, what came of it, and why it was allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dialer.reports.language import Language
from dialer.reports.reasons import reasons
from dialer.reports.table import Field, Kind, Table, tabulate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.core.record import AttemptRecord


def _allowed_because(record: AttemptRecord, language: Language) -> tuple[str, ...]:
    """Each rule that passed with its reason."""
    told = (because.partition(": ") for because in record.allowed_because)
    return tuple(f"{rule}{colon}{reasons(reason, language)}" for rule, colon, reason in told)


FIELDS: tuple[Field[AttemptRecord], ...] = (
    Field("attempt", lambda r, _: r.attempt),
    Field("callback", lambda r, _: r.callback, Kind.NUMBER),
    Field("customer", lambda r, _: r.customer, brief=True),
    Field("name", lambda r, _: r.name),
    Field("tier", lambda r, _: r.tier),
    Field("campaign", lambda r, _: r.campaign, brief=True),
    Field("campaign_version", lambda r, _: r.campaign_version),
    Field("number", lambda r, _: r.number, Kind.PHONE, brief=True),
    Field("carrier_call_id", lambda r, _: r.carrier_call_id),
    Field("state", lambda r, _: r.state, brief=True),
    Field("created", lambda r, _: r.created, Kind.INSTANT, brief=True),
    Field("rang", lambda r, _: r.rang, Kind.INSTANT),
    Field("answered", lambda r, _: r.answered, Kind.INSTANT),
    Field("connected", lambda r, _: r.connected, Kind.INSTANT),
    Field("ended", lambda r, _: r.ended, Kind.INSTANT),
    Field("talk", lambda r, _: r.talk, Kind.DURATION, brief=True),
    Field("network", lambda r, _: r.network),
    Field("answered_by", lambda r, _: r.answered_by),
    Field("disposition", lambda r, _: r.disposition),
    Field("ending", lambda r, _: r.ending, brief=True),
    Field("code", lambda r, _: r.code),
    Field("counted", lambda r, _: r.counted, brief=True),
    Field("failure", lambda r, _: r.failure, brief=True),
    Field("agent", lambda r, _: r.agent),
    Field("answers", lambda r, _: r.answers),
    Field("notes", lambda r, _: r.notes),
    Field("zones", lambda r, _: r.zones),
    Field("allowed_because", _allowed_because),
)


def attempts_table(records: Iterable[AttemptRecord], language: Language = Language.EN) -> Table:
    """The attempts log, in the order given."""
    return tabulate("title.attempts", FIELDS, records, language)
