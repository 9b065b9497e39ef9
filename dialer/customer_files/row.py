"""Turns one row into a customer, or into a reject that says which column is wrong and why."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from dialer.core.customer import VIP, Customer
from dialer.core.phone import DoubtfulNumberError, PhoneNumber, parse_number
from dialer.core.zones import lies_in
from dialer.customer_files.cells import LONGEST_CELL, folded, lost_digits
from dialer.customer_files.headings import PHONES, Field, Kind
from dialer.customer_files.places import part_of, region_of
from dialer.customer_files.values import (
    calendar_date,
    is_nothing,
    language_of,
    number_of,
    opted_out,
    quiet_hours,
    tier_of,
    tier_of_flag,
    zone_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dialer.core.customer import Value
    from dialer.core.hours import DailyRange
    from dialer.customer_files.columns import Column
    from dialer.customer_files.mapping import FileMapping

T = TypeVar("T")

LONGEST_NAME = 100
_FIRST_EASTERN = "\u2e80"  # from here on: Chinese, Japanese and Korean, who put the family first
_LOST = "a spreadsheet has cut digits off it; format the column as text and save the file again"


@dataclass(frozen=True, slots=True)
class Row:
    """An accepted row. `opted_out` says that this customer wishes no calls."""

    number: int
    customer: Customer
    opted_out: bool


@dataclass(frozen=True, slots=True)
class Reject:
    """A refused row. `reason` never holds what the cell says.

    `opted_out` stands even so: a wish not to be called is honoured whatever else is wrong with the row.
    """

    number: int
    reference: str
    column: str
    reason: str
    opted_out: bool = False


class _WrongCellError(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


class RowReader:
    """Reads the rows of one file, all alike.

    `home_region` is the country of numbers without country code where neither the mapping nor the customer's own
    address says it; empty: such numbers are refused.
    """

    def __init__(self, columns: Sequence[Column], mapping: FileMapping, home_region: str) -> None:
        self._width = len(columns)
        self._fields: dict[Field, Column] = {column.field: column for column in columns}
        self._phones = [self._fields[field] for field in PHONES if field in self._fields]
        self._free = [column for column in columns if column.field is Field.ATTRIBUTE]
        self._home = mapping.number_region or home_region
        self._area_code = mapping.area_code
        self._drop_doubtful = mapping.drop_doubtful_numbers
        self._formats = mapping.date_formats
        self._defaults = mapping.defaults
        self._words = {
            name: {folded(word): meaning for word, meaning in words.items()} for name, words in mapping.values.items()
        }

    def read(self, number: int, cells: Sequence[str]) -> Row | Reject:
        """The customer in the row with this number, or why there is none."""
        reference = ""
        silent = False
        try:
            self._check_shape(cells)
            reference = self._reference(cells)
            silent = self._read(Field.OPTED_OUT, cells, opted_out) or False
            return Row(number, self._customer(reference, cells), silent)
        except _WrongCellError as error:
            return Reject(number, reference, error.column, error.reason, silent)

    def _check_shape(self, cells: Sequence[str]) -> None:
        if any(cells[self._width :]):
            raise _WrongCellError("", "the row has more cells than there are headings; a quote may be missing")
        if any(len(cell) > LONGEST_CELL for cell in cells):
            raise _WrongCellError("", f"a cell is longer than {LONGEST_CELL:,} characters; a quote may be missing")

    def _reference(self, cells: Sequence[str]) -> str:
        column = self._fields[Field.REFERENCE]
        text = self._cell(column, cells)
        if not text:
            raise _WrongCellError(column.heading, "the customer's reference is missing")
        if lost_digits(text):
            raise _WrongCellError(column.heading, _LOST)
        if len(text) > LONGEST_NAME:
            raise _WrongCellError(column.heading, f"the reference is longer than {LONGEST_NAME} characters")
        return text

    def _customer(self, reference: str, cells: Sequence[str]) -> Customer:
        region = self._region(cells)
        return Customer(
            reference=reference,
            name=self._name(cells)[:LONGEST_NAME],
            salutation=(self._text(Field.SALUTATION, cells) or self._defaults.salutation)[:LONGEST_NAME],
            language=self._read(Field.LANGUAGE, cells, language_of) or self._defaults.language,
            tier=self._tier(cells) or self._defaults.tier,
            numbers=(numbers := self._numbers(cells, region[:2])),
            region=region,
            zone=self._zone(cells, {region[:2], *(number.region for number in numbers)} - {""}),
            quiet=self._quiet(cells),
            agent=(self._text(Field.AGENT, cells) or self._defaults.agent)[:LONGEST_NAME],
            attributes=self._attributes(cells),
        )

    def _name(self, cells: Sequence[str]) -> str:
        whole = self._text(Field.NAME, cells)
        if whole:
            return whole
        given, family = self._text(Field.GIVEN_NAME, cells), self._text(Field.FAMILY_NAME, cells)
        eastern = family[:1] >= _FIRST_EASTERN
        return family + given if eastern else f"{given} {family}".strip()

    def _tier(self, cells: Sequence[str]) -> str:
        tier = self._read(Field.TIER, cells, tier_of) or ""
        flag = self._read(Field.VIP, cells, tier_of_flag) or ""
        return VIP if VIP in {tier, flag} else tier or flag

    def _region(self, cells: Sequence[str]) -> str:
        country = self._read(Field.COUNTRY, cells, region_of) or ""
        region = self._read(Field.REGION, cells, region_of) or country or self._defaults.region
        if country and region[:2] != country[:2]:
            raise _WrongCellError(self._fields[Field.REGION].heading, "it contradicts the country")
        known = (country or region)[:2]
        part = self._read(Field.STATE, cells, (lambda text: part_of(known, text)) if known else region_of)
        return part or region

    def _zone(self, cells: Sequence[str], countries: set[str]) -> str:
        """The zone of the file. It outranks every other witness, so one that contradicts them all is doubted."""
        zone = self._read(Field.ZONE, cells, zone_of) or self._defaults.zone
        if zone and not lies_in(zone, countries):
            heading = self._fields[Field.ZONE].heading if Field.ZONE in self._fields else ""
            what = "it lies neither where the address nor where a number is; leave it out, and write down what the"
            raise _WrongCellError(heading, f"{what} customer says with `dialer customers confirm-zone`")
        return zone

    def _quiet(self, cells: Sequence[str]) -> tuple[DailyRange, ...]:
        return self._read(Field.QUIET, cells, quiet_hours) or ()

    def _numbers(self, cells: Sequence[str], country: str) -> tuple[PhoneNumber, ...]:
        """The customer's numbers in the order in which they are dialed, each once."""
        numbers: dict[PhoneNumber, None] = {}
        doubt: _WrongCellError | None = None
        for column in self._phones:
            text = self._cell(column, cells)
            if is_nothing(text):
                continue
            try:
                numbers[self._number(text, country)] = None
            except ValueError as error:
                doubt = doubt or _WrongCellError(column.heading, str(error))
        if doubt and not (self._drop_doubtful and numbers):
            raise doubt
        if not numbers:
            raise _WrongCellError(self._phones[0].heading, "the customer has no number")
        return tuple(numbers)

    def _number(self, text: str, country: str) -> PhoneNumber:
        """The one number `text` can be. A local one is read as of the customer's country, if no other reading fits."""
        if lost_digits(text):
            raise DoubtfulNumberError(_LOST)
        if not country or country == self._home:
            return parse_number(text, self._home, area_code=self._area_code)
        number = parse_number(text, country)
        try:
            other = parse_number(text, self._home, area_code=self._area_code) if self._home else number
        except DoubtfulNumberError:
            return number
        if other != number:
            raise DoubtfulNumberError(f"it could be a number of {country} or of {self._home}; write it with + in front")
        return number

    def _attributes(self, cells: Sequence[str]) -> Mapping[str, Value]:
        found: dict[str, Value] = {}
        for column in self._free:
            text = self._cell(column, cells)
            if not text or (column.kind is not Kind.TEXT and is_nothing(text)):
                continue
            try:
                found[column.attribute] = self._value(column.kind, text)
            except ValueError as error:
                raise _WrongCellError(column.heading, str(error)) from None
        return MappingProxyType(found)

    def _value(self, kind: Kind, text: str) -> Value:
        match kind:
            case Kind.DATE:
                return calendar_date(text, self._formats)
            case Kind.NUMBER:
                return number_of(text)
            case Kind.TEXT:
                return text

    def _text(self, field: Field, cells: Sequence[str]) -> str:
        column = self._fields.get(field)
        return self._cell(column, cells) if column else ""

    def _read(self, field: Field, cells: Sequence[str], reader: Callable[[str], T]) -> T | None:
        """What `reader` makes of the row's `field`; None when there is nothing to read."""
        column = self._fields.get(field)
        text = self._cell(column, cells) if column else ""
        if column is None or is_nothing(text):
            return None
        try:
            return reader(text)
        except ValueError as error:
            raise _WrongCellError(column.heading, str(error)) from None

    def _cell(self, column: Column, cells: Sequence[str]) -> str:
        text = cells[column.index] if column.index < len(cells) else ""
        words = self._words.get(column.target)
        return words.get(folded(text), text) if words else text
