"""What somebody typed about a person is read as it was meant, or each thing wrong is named at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.core.agent import Agent, Role
from dialer.engine.roster import Flaw, Typed, changes, holds_number, masked, read
from dialer.errors import InputError

TYPED = Typed("2001", "Li Na")


def test_what_was_typed_is_read_as_it_was_meant() -> None:
    typed = Typed(
        " 2001 ",
        " 王  小明 ",
        role="team_lead",
        phone="138 1234 5678",
        languages=["zh-CN， en", "en"],
        skills=["信用卡、贷款;", ""],
        teams=["north south"],
        capacity=" 3 ",
        active=False,
    )
    assert read(typed, "CN").certain() == Agent(
        "2001",
        "王 小明",
        Role.TEAM_LEAD,
        address="+8613812345678",
        languages=("zh-CN", "en"),
        skills=frozenset({"信用卡", "贷款"}),
        teams=frozenset({"north", "south"}),
        capacity=3,
        active=False,
    )


def test_everything_wrong_is_named_at_once() -> None:
    typed = Typed("", "", role="king", phone="12", languages=["x"], skills=["<b>"], teams=["a/b"], capacity="1001")
    found = read(typed, "")
    assert found.flaws == {
        "staff_number": Flaw.STAFF_NUMBER,
        "name": Flaw.NAME,
        "role": Flaw.ROLE,
        "phone": Flaw.PHONE,
        "languages": Flaw.LANGUAGE,
        "skills": Flaw.TAG,
        "teams": Flaw.TAG,
        "capacity": Flaw.CAPACITY,
    }
    with pytest.raises(InputError) as caught:
        found.certain()
    assert len(caught.value.problems) == len(found.flaws)


@pytest.mark.parametrize("address", ["sip:li@example.com", "SIPS:li.na@10.0.0.7:5061;transport=tls", "sip:10086@[::1]"])
def test_sip_addresses_are_taken_as_they_are(address: str) -> None:
    assert read(replace(TYPED, phone=address), "").certain().address == address
    assert masked(address) == address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ""),
        ("+442079460001", "+44••••••0001"),
        ("sip:+441134960123@trunk.example", "sip:+44••••••0123@trunk.example"),
        ("sips:00441134960123@10.0.0.71:5061;user=phone", "sips:••••••••••0123@10.0.0.71:5061;user=phone"),
        ("sip:4960123@trunk7.example", "sip:•••0123@trunk7.example"),
        ("sip:+44-113-496-0123@trunk", "sip:+••-•••-•••-0123@trunk"),
        ("sip:496012@trunk.example", "sip:496012@trunk.example"),
        ("sip:li.na@10.20.30.40", "sip:li.na@10.20.30.40"),
    ],
)
def test_numbers_are_masked_wherever_they_stand_in_an_address(address: str, shown: str) -> None:
    if address:
        assert read(replace(TYPED, phone=address), "").certain().address == address
    assert masked(address) == shown
    assert holds_number(address) == ("•" in shown)


@pytest.mark.parametrize("address", ["sip:", "sip:li", "sip:@host", "sip:li na@host", "sip:li@host?x=1", "sip:a@b\nx"])
def test_what_is_no_sip_address_is_refused(address: str) -> None:
    found = read(replace(TYPED, phone=address), "")
    assert found.flaws == {"phone": Flaw.SIP}


def test_changes_name_what_is_different_with_numbers_masked() -> None:
    before = read(replace(TYPED, phone="+442079460001", skills=["cards"]), "").certain()
    after = replace(before, address="+442079460002", role=Role.MANAGER, skills=frozenset({"b", "a"}), active=False)
    assert changes(before, before) == {}
    assert changes(before, after) == {
        "role": "manager",
        "skills": ["a", "b"],
        "active": False,
        "phone": "+44••••••0002",
    }
