"""Scopes: what a wish stops, and that one that was misspelt is never taken for a prohibition."""

from __future__ import annotations

import pytest

from dialer.core.purpose import Purpose
from dialer.core.suppression import EVERYTHING, Stop, Wish, Word, line, person, read_scope, scopes_of, subjects
from dialer.errors import InputError
from tests.campaigns import NOW, campaign, customer, number


def test_a_campaign_is_stopped_by_wishes_about_everything_its_purpose_and_itself() -> None:
    assert scopes_of(campaign("spring")) == {EVERYTHING, "purpose:survey", "campaign:spring"}


def test_a_call_that_may_sell_is_stopped_by_a_wish_for_no_sales_calls() -> None:
    both = {EVERYTHING, "purpose:service", "purpose:sales", "campaign:survey"}
    assert scopes_of(campaign(purpose="service", may_sell=True)) == both
    assert scopes_of(campaign(purpose="sales", may_sell=True)) == both - {"purpose:service"}


def test_a_person_is_on_a_list_by_reference_and_by_every_number() -> None:
    names = subjects(customer("C1", number(1), number(2)))
    assert names == ["customer:C1", f"number:{number(1).e164}", f"number:{number(2).e164}"]
    assert names[:2] == [person("C1"), line(number(1).e164)]


@pytest.mark.parametrize("scope", [EVERYTHING, *(f"purpose:{one}" for one in Purpose), "campaign:spring_26-b"])
def test_every_scope_can_be_typed(scope: str) -> None:
    assert read_scope(f" {scope} ") == scope


@pytest.mark.parametrize(
    "text",
    ["", "all", "Everything", "sales", "purpose:", "purpose:sale", "campaign:", "campaign:Spring", "campaign:a b"],
)
def test_what_is_no_scope_is_refused_and_the_scopes_are_named(text: str) -> None:
    with pytest.raises(InputError, match="expected everything, campaign:ID, or purpose: with one of sales, service"):
        read_scope(text)


def test_only_a_file_repeats_old_wishes() -> None:
    assert [source for source in ("keypad", "person", "api", "carrier", "import") if not Wish(source).is_new] == [
        "import"
    ]


def test_words_take_turns() -> None:
    stop, lift = (Word(line("+447"), EVERYTHING, turn, "person", NOW) for turn in (2, 3))
    assert (stop.stops, lift.stops, stop.e164) == (True, False, "+447")
    assert Word(person("C1"), EVERYTHING, 0, "person", NOW).e164 == ""


def test_a_stop_does_not_say_who() -> None:
    assert Stop(person("C1"), EVERYTHING, "keypad", NOW).on == "person"
    assert Stop(line("+447"), EVERYTHING, "keypad", NOW).on == "number"
