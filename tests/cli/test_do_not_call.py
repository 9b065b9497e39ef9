"""`dialer do-not-call` from a user's side: it works at once, and a mistake adds nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dialer.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from tests.cli.office import Office


def decision(office: Office, customer: str) -> str:
    (told,) = office.objects("why", customer, "--campaign", "survey")
    return str(told["decision"])


def listed(office: Office, customer: str) -> bool:
    (told,) = office.objects("customers", "show", customer)
    return bool(told["opted_out"])


@pytest.mark.parametrize(
    "who",
    [
        ("+442079460001",),
        ("+44 (0)20 7946 0001",),
        ("＋４４ ２０ ７９４６ ０００１",),
        ("--customer", "london"),
    ],
)
def test_whoever_is_added_is_never_called_again(working: Office, who: tuple[str, ...]) -> None:
    assert decision(working, "london") == "dial"
    assert working.objects("do-not-call", "add", *who) == [{"added": 1, "already_listed": 0}]
    assert decision(working, "london") == "refuse"
    assert decision(working, "newyork") == "dial"
    assert working.objects("do-not-call", "add", *who) == [{"added": 0, "already_listed": 1}]


def test_several_at_once(working: Office) -> None:
    arguments = ("do-not-call", "add", "+442079460001", "+12125550123", "--customer", "tokyo", "--customer", "never")
    assert working.run(*arguments).stdout == "3 added, 1 were on the list already\n"
    assert [decision(working, one) for one in ("london", "newyork", "tokyo")] == ["refuse"] * 3


def test_numbers_without_a_country_are_read_at_home_or_not_at_all(working: Office) -> None:
    with pytest.raises(InputError, match="number 1: it has no country code"):
        working.run("do-not-call", "add", "020 7946 0001")
    working.set(DIALER_HOME_REGION="GB")
    assert working.objects("do-not-call", "add", "020 7946 0001")[0]["added"] == 1
    assert decision(working, "london") == "refuse"


def test_every_wrong_number_is_named_by_its_place_and_nobody_is_added(working: Office) -> None:
    with pytest.raises(InputError) as error:
        working.run("do-not-call", "add", "+442079460001", "+44 20 79AB 0002", "12")
    assert error.value.exit_code == 2
    assert [problem.where for problem in error.value.problems] == ["number 2", "number 3"]
    assert "79" not in str(error.value), "a telephone number does not belong into a message"
    assert not listed(working, "london")


def test_an_unknown_customer_adds_nobody(working: Office) -> None:
    with pytest.raises(NotFoundError, match="no customer 'nobody' in the customer file"):
        working.run("do-not-call", "add", "+442079460001", "--customer", "nobody")
    assert not listed(working, "london")


def test_nobody_named_is_a_mistake_and_makes_no_database(office: Office) -> None:
    with pytest.raises(InputError, match="nobody is named"):
        office.run("do-not-call", "add")
    assert list(office.folder.iterdir()) == []


def test_it_holds_for_numbers_of_customers_yet_to_come(office: Office) -> None:
    office.run("do-not-call", "add", "+442079460001")
    office.customers()
    office.campaign()
    office.run("campaigns", "apply")
    assert decision(office, "london") == "refuse"
