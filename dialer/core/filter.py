"""Which customers a campaign wants: a condition over their fields, read from YAML and compiled once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, StrictBool, WithJsonSchema, model_validator

from dialer.core.customer import Customer, Value
from dialer.core.document import Day, Duration, Part, Text, quoted, wrong

Test = Callable[[Customer, date], bool]


class FieldType(StrEnum):
    """What a declared field of the customer holds."""

    DATE = "date"  # ISO 8601 text, 2026-12-01
    TEXT = "text"
    NUMBER = "number"


def _value(value: object) -> object:
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return value
    raise wrong(f"{quoted(value)} is neither text nor a number", "expected text or a number")


def _number(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise wrong(f"{quoted(value)} is no number", "expected a number without quotes")


FieldValue = Annotated[Value, BeforeValidator(_value), WithJsonSchema({"type": ["string", "number"]})]
Number = Annotated[float, BeforeValidator(_number)]


class Filter(Part):
    """A condition on a customer: `all`, `any` or `not` of other conditions, or a `field` and tests that all must hold.

    A field the customer does not have passes `is_not`, `not_in` and `known: false`, and fails every other test. An
    empty condition selects everybody.
    """

    all_of: tuple[Filter, ...] | None = Field(None, alias="all", min_length=1)
    """Every one of these conditions holds."""
    any_of: tuple[Filter, ...] | None = Field(None, alias="any", min_length=1)
    """At least one of these conditions holds."""
    negated: Filter | None = Field(None, alias="not")
    """This condition does not hold."""
    field: Text | None = None
    """The customer's field that is tested: a built-in one, or one declared under `fields`."""
    equals: FieldValue | None = Field(None, alias="is")
    """The field has exactly this value."""
    differs: FieldValue | None = Field(None, alias="is_not")
    """The field does not have this value."""
    one_of: tuple[FieldValue, ...] | None = Field(None, alias="in", min_length=1)
    """The field has one of these values."""
    none_of: tuple[FieldValue, ...] | None = Field(None, alias="not_in", min_length=1)
    """The field has none of these values."""
    known: StrictBool | None = None
    """The field is filled in (true) or not (false)."""
    within: Duration | None = None
    """The date lies between today and today plus this, both included."""
    within_past: Duration | None = None
    """The date lies between today minus this and today, both included."""
    before: Day | None = None
    """The date is earlier than this day."""
    after: Day | None = None
    """The date is later than this day."""
    at_least: Number | None = None
    """The number is not smaller than this."""
    at_most: Number | None = None
    """The number is not larger than this."""

    @model_validator(mode="after")
    def _is_one_condition(self) -> Self:
        forms = [name for name in ("all", "any", "not", "field") if self._form(name) is not None]
        tests = self.tests
        if len(forms) > 1:
            raise wrong(
                f"'{forms[0]}' and '{forms[1]}' stand side by side", "put one inside the other, or both in 'all'"
            )
        if tests and forms != ["field"]:
            raise wrong(f"'{tests[0]}' does not say which field it tests", "add 'field: NAME'")
        if forms == ["field"] and not tests:
            raise wrong("a field without a test", f"add one of {', '.join(TESTS)}")
        return self

    def _form(self, name: str) -> object:
        return {"all": self.all_of, "any": self.any_of, "not": self.negated, "field": self.field}[name]

    @property
    def tests(self) -> list[str]:
        """The tests of this condition, as the file names them."""
        return [name for name, attribute in TESTS.items() if getattr(self, attribute) is not None]

    @cached_property
    def test(self) -> Test:
        """The condition as one function, made once."""
        if self.all_of is not None:
            return _all([part.test for part in self.all_of])
        if self.any_of is not None:
            return _any([part.test for part in self.any_of])
        if self.negated is not None:
            inner = self.negated.test
            return lambda customer, today: not inner(customer, today)
        if self.field is None:
            return lambda _customer, _today: True
        return _all([_MAKERS[test](self.field, getattr(self, test)) for test in map(TESTS.__getitem__, self.tests)])

    def selects(self, customer: Customer, today: date) -> bool:
        """Whether `customer` is wanted, on the calendar day `today`."""
        return self.test(customer, today)


TESTS = {
    "is": "equals",
    "is_not": "differs",
    "in": "one_of",
    "not_in": "none_of",
    "known": "known",
    "within": "within",
    "within_past": "within_past",
    "before": "before",
    "after": "after",
    "at_least": "at_least",
    "at_most": "at_most",
}
DATE_TESTS = frozenset({"within", "within_past", "before", "after"})
NUMBER_TESTS = frozenset({"at_least", "at_most"})


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def every(customer: Customer, today: date) -> bool:
        for test in tests:  # noqa: SIM110 - a generator would cost half the speed
            if not test(customer, today):
                return False
        return True

    return every


def _any(tests: list[Test]) -> Test:
    def some(customer: Customer, today: date) -> bool:
        for test in tests:  # noqa: SIM110 - as above
            if test(customer, today):
                return True
        return False

    return some


def _equals(field: str, wanted: Value) -> Test:
    return lambda customer, _today: customer.value(field) == wanted


def _differs(field: str, barred: Value) -> Test:
    return lambda customer, _today: customer.value(field) != barred


def _one_of(field: str, wanted: tuple[Value, ...]) -> Test:
    known = frozenset(wanted)
    return lambda customer, _today: customer.value(field) in known


def _none_of(field: str, barred: tuple[Value, ...]) -> Test:
    known = frozenset(barred)
    return lambda customer, _today: customer.value(field) not in known


def _known(field: str, known: bool) -> Test:  # noqa: FBT001 - the value of a key in the file
    return lambda customer, _today: (customer.value(field) is not None) is known


def _within(field: str, span: timedelta) -> Test:
    return _dated(field, lambda day, today: today <= day <= today + span)


def _within_past(field: str, span: timedelta) -> Test:
    return _dated(field, lambda day, today: today - span <= day <= today)


def _before(field: str, limit: date) -> Test:
    return _dated(field, lambda day, _today: day < limit)


def _after(field: str, limit: date) -> Test:
    return _dated(field, lambda day, _today: day > limit)


def _at_least(field: str, limit: float) -> Test:
    return _counted(field, lambda number: number >= limit)


def _at_most(field: str, limit: float) -> Test:
    return _counted(field, lambda number: number <= limit)


def _dated(field: str, holds: Callable[[date, date], bool]) -> Test:
    def test(customer: Customer, today: date) -> bool:
        value = customer.value(field)
        if not isinstance(value, str):
            return False
        try:
            return holds(date.fromisoformat(value), today)
        except ValueError:
            return False  # not a date: the import reports it, a filter does not guess

    return test


def _counted(field: str, holds: Callable[[float], bool]) -> Test:
    def test(customer: Customer, _today: date) -> bool:
        value = customer.value(field)
        return isinstance(value, (int, float)) and holds(value)

    return test


_MAKERS: dict[str, Callable[[str, Any], Test]] = {
    "equals": _equals,
    "differs": _differs,
    "one_of": _one_of,
    "none_of": _none_of,
    "known": _known,
    "within": _within,
    "within_past": _within_past,
    "before": _before,
    "after": _after,
    "at_least": _at_least,
    "at_most": _at_most,
}
