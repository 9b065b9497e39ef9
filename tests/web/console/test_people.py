"""People and accounts in the console: who may change what, and that each change is in the trail."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dialer.core.agent import Role
from dialer.engine import roster
from dialer.engine.passwords import Passwords
from dialer.store import Deed
from tests.web.console.conftest import CHEAP, HASH, NOW, NUMBERS, PASSWORD, SETUP

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from dialer.store import Member
    from tests.web.console.conftest import Answer, Browser, Hand

pytestmark = pytest.mark.anyio

AGENT, LEAD, MANAGER = NUMBERS[Role.AGENT], NUMBERS[Role.TEAM_LEAD], NUMBERS[Role.MANAGER]
NEW = "another long sentence"


def trail(works: Works) -> list[tuple[str, str, str]]:
    """What was done after the people were there, oldest first; that they signed in is left out."""
    deeds = [one.deed for one in reversed(works.store.audit.latest()) if one.deed.action != "session.open"]
    return [(deed.by, deed.action, deed.subject) for deed in deeds if deed.by != SETUP.by]


def member(works: Works, number: str) -> Member:
    found = works.store.agents.get(number)
    assert found is not None
    return found


def secret_in(answer: Answer) -> str:
    found = re.search(r"<code>([a-z2-9-]{19})</code>", answer.text)
    assert found is not None
    return found[1]


async def test_a_manager_adds_somebody_who_then_chooses_a_password(
    browser: Browser, another: Browser, works: Works
) -> None:
    await browser.sign_in(MANAGER)
    fields = {"name": "Li Na", "role": "agent", "phone": "020 7946 0001", "languages": "zh-CN, en", "skills": "cards"}
    answer = await browser.post("/console/people", htmx=False, staff_number="3001", **fields)
    secret = secret_in(answer)
    agent = member(works, "3001").agent
    assert (agent.name, agent.address, agent.languages) == ("Li Na", "+442079460001", ("zh-CN", "en"))
    assert trail(works) == [(MANAGER, "person.add", "3001")]
    people = (await browser.get("/console/people")).text
    assert "+44••••••0001" in people
    assert "2079460001" not in people

    await another.sign_in("3001", secret)
    assert (await another.get("/console")).goes_to == "/console/account"
    account = (await another.get("/console/account")).text
    assert "Somebody else knows your password" in account
    assert "/console/calls" not in account
    answer = await another.post("/console/account/password", old=secret, new=NEW, again=NEW)
    assert answer.goes_to == "/console"
    assert not member(works, "3001").must_change
    assert CHEAP.verify(member(works, "3001").password, NEW)
    assert trail(works)[1:] == [("3001", "account.password", "3001")]


async def test_until_then_no_other_page_is_open_to_them(browser: Browser, works: Works) -> None:
    works.store.agents.set_password(MANAGER, HASH, NOW, SETUP, must_change=True)
    await browser.sign_in(MANAGER)
    assert (await browser.get("/console/people")).goes_to == "/console/account"
    answer = await browser.post("/console/people/2001/deactivate")
    assert answer.goes_to == "/console/account"
    assert member(works, AGENT).agent.active
    assert (await browser.get("/console/people", htmx=True)).goes_to == "/console/account"


async def test_wrong_input_is_said_at_its_field_and_kept(browser: Browser, works: Works) -> None:
    await browser.sign_in(MANAGER)
    fields = {"name": '"><b>', "role": "king", "phone": "12", "capacity": "0"}
    answer = await browser.post("/console/people", htmx=False, staff_number="30 01", **fields)
    assert answer.status == 422
    for name in ("staff_number", "role", "phone", "capacity"):
        assert f'id="flaw-{name}"' in answer.text
    assert "&#34;&gt;&lt;b&gt;" in answer.text
    answer = await browser.post("/console/people", htmx=False, staff_number=AGENT, name="Li Na", role="agent")
    assert answer.status == 422
    assert "taken" in answer.text
    assert trail(works) == []


async def test_a_manager_changes_somebody_and_looking_at_a_number_is_written_down(
    browser: Browser, works: Works
) -> None:
    await browser.sign_in(MANAGER)
    fields = {"name": "Li Na", "role": "team_lead", "phone": "+442079460001", "teams": "north"}
    assert (await browser.post(f"/console/people/{AGENT}", htmx=False, **fields)).goes_to == "/console/people"
    assert member(works, AGENT).agent.role is Role.TEAM_LEAD
    newest = works.store.audit.latest()[0].deed
    assert newest.detail == {"name": "Li Na", "role": "team_lead", "teams": ["north"], "phone": "+44••••••0001"}
    assert newest.place == browser.place
    assert "+442079460001" in (await browser.get(f"/console/people/{AGENT}")).text
    assert trail(works) == [(MANAGER, "person.change", AGENT), (MANAGER, "number.show", AGENT)]
    answer = await browser.post(f"/console/people/{AGENT}", htmx=False, name="", role="agent")
    assert answer.status == 422
    assert (await browser.post("/console/people/7777", htmx=False, name="x", role="agent")).status == 404


async def test_who_left_meanwhile_is_not_brought_back_by_an_edit(
    browser: Browser, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else writes down that they left, and gives them a team, after this request has looked at them."""
    await browser.sign_in(MANAGER)
    looked_at, read = member(works, AGENT).agent, roster.read

    def meanwhile(typed: roster.Typed, home_region: str) -> roster.Reading:
        works.store.agents.change(replace(looked_at, active=False, teams=frozenset({"north"})), NOW, SETUP)
        return read(typed, home_region)

    monkeypatch.setattr(roster, "read", meanwhile)
    assert (await browser.post(f"/console/people/{AGENT}", name="Li Na", role="agent")).status == 303
    assert member(works, AGENT).agent == replace(looked_at, name="Li Na", active=False, teams=frozenset({"north"}))
    assert works.store.audit.latest()[0].deed.detail == {"name": "Li Na"}


async def test_a_number_within_a_sip_address_is_a_number(browser: Browser, another: Browser, works: Works) -> None:
    await browser.sign_in(MANAGER)
    fields = {"name": "Li Na", "role": "agent", "phone": "sip:+441134960123@trunk.example"}
    await browser.post(f"/console/people/{AGENT}", htmx=False, **fields)
    assert works.store.audit.latest()[0].deed.detail["phone"] == "sip:+44••••••0123@trunk.example"
    await another.sign_in(LEAD)
    people = (await another.get("/console/people")).text
    assert "sip:+44••••••0123@trunk.example" in people
    assert "1134960123" not in people
    assert works.store.audit.latest(action="number.show") == []
    assert "sip:+441134960123@trunk.example" in (await browser.get(f"/console/people/{AGENT}")).text
    (entry,) = works.store.audit.latest(action="number.show")
    assert (entry.deed.by, entry.deed.subject) == (MANAGER, AGENT)


async def test_who_leaves_is_out_at_once_and_can_come_back(browser: Browser, another: Browser, works: Works) -> None:
    await browser.sign_in(MANAGER)
    await another.sign_in(AGENT)
    await browser.post(f"/console/people/{AGENT}/deactivate")
    assert (await another.get("/console/account")).status == 303
    assert (await another.sign_in(AGENT)).status == 422
    assert f">{AGENT}<" not in (await browser.get("/console/people")).text
    assert f">{AGENT}<" in (await browser.get("/console/people?left=1")).text
    await browser.post(f"/console/people/{AGENT}/activate")
    assert (await another.sign_in(AGENT)).status == 303
    assert [action for _, action, _ in trail(works)] == ["person.deactivate", "person.activate"]


async def test_the_last_manager_cannot_go(browser: Browser, works: Works) -> None:
    await browser.sign_in(MANAGER)
    assert (await browser.post(f"/console/people/{MANAGER}/deactivate")).status == 409
    answer = await browser.post(f"/console/people/{MANAGER}/deactivate", htmx=True)
    assert (answer.status, answer.headers["hx-retarget"]) == (409, "#notice")
    assert "<html" not in answer.text
    answer = await browser.post(f"/console/people/{MANAGER}", htmx=False, name="x", role="agent")
    assert answer.status == 422
    assert member(works, MANAGER).agent.role is Role.MANAGER
    await browser.post(f"/console/people/{LEAD}", htmx=False, name="Li Na", role="manager")
    assert (await browser.post(f"/console/people/{MANAGER}/deactivate")).status == 303
    assert (await browser.get("/console/people")).status == 303


async def test_a_new_password_signs_them_out_everywhere(browser: Browser, another: Browser, works: Works) -> None:
    await browser.sign_in(MANAGER)
    await another.sign_in(AGENT)
    secret = secret_in(await browser.post(f"/console/people/{AGENT}/password"))
    assert (await another.get("/console/account")).status == 303
    assert (await another.sign_in(AGENT)).status == 422
    assert (await another.sign_in(AGENT, secret)).status == 303
    await browser.post(f"/console/people/{AGENT}/sign-out")
    assert (await another.get("/console/account")).status == 303
    assert [action for _, action, _ in trail(works)] == ["person.password", "person.sign-out"]


async def test_a_role_taken_away_counts_from_the_next_click(browser: Browser, another: Browser) -> None:
    await browser.sign_in(MANAGER)
    await another.sign_in(LEAD)
    assert (await another.get("/console/people")).status == 200
    await browser.post(f"/console/people/{LEAD}", htmx=False, name="Li Na", role="agent")
    assert (await another.get("/console/people")).status == 403


# --- One's own account


@pytest.mark.parametrize(
    ("old", "new", "again", "told"),
    [
        ("wrong", NEW, NEW, "not your password"),
        (PASSWORD, NEW, "other", "twice"),
        (PASSWORD, PASSWORD, PASSWORD, "the old one"),
        (PASSWORD, "short", "short", "12 characters"),
        (PASSWORD, "x" * 257, "x" * 257, "at most 256"),
        (PASSWORD, "me, 2001, again", "me, 2001, again", "staff number or the name"),
        (PASSWORD, "abababababab", "abababababab", "few"),
    ],
)
async def test_a_password_that_is_not_good_changes_nothing(
    browser: Browser, works: Works, old: str, new: str, again: str, told: str
) -> None:
    await browser.sign_in(AGENT)
    answer = await browser.post("/console/account/password", old=old, new=new, again=again)
    assert answer.status == 422
    assert told in answer.text
    assert member(works, AGENT).password == HASH
    assert trail(works) == []


async def test_changing_the_password_keeps_this_session_and_ends_the_others(browser: Browser, another: Browser) -> None:
    await browser.sign_in(AGENT)
    await another.sign_in(AGENT)
    assert (await browser.post("/console/account/password", old=PASSWORD, new=NEW, again=NEW)).status == 303
    assert (await browser.get("/console/account")).status == 200
    assert (await another.get("/console/account")).status == 303


async def test_a_password_that_a_manager_gave_meanwhile_stays(
    browser: Browser, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    await browser.sign_in(AGENT)
    given = CHEAP.hash("given by a manager")

    def meanwhile(_: Passwords, kept: str, typed: str) -> bool:
        works.store.agents.set_password(AGENT, given, NOW, SETUP, must_change=True)
        return bool(kept) and typed == PASSWORD

    monkeypatch.setattr(Passwords, "verify", meanwhile)
    answer = await browser.post("/console/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert answer.status == 422
    assert "not your password" in answer.text
    assert (member(works, AGENT).password, member(works, AGENT).must_change) == (given, True)
    assert trail(works) == []


async def test_guessing_the_password_on_a_screen_left_alone_is_slow(browser: Browser) -> None:
    await browser.sign_in(AGENT)
    for _ in range(5):
        await browser.post("/console/account/password", old="guess", new=NEW, again=NEW)
    answer = await browser.post("/console/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert "Too many tries" in answer.text


async def test_sessions_elsewhere_can_be_ended_and_only_ones_own(
    browser: Browser, another: Browser, works: Works, clock: Hand
) -> None:
    await browser.sign_in(AGENT)
    await another.sign_in(AGENT)
    (reference,) = re.findall(r"/account/sessions/(\w+)/end", (await browser.get("/console/account")).text)
    stranger = type(browser)(browser.console, browser.app)
    await stranger.sign_in(LEAD)
    await stranger.post(f"/console/account/sessions/{reference}/end")
    assert (await another.get("/console/account")).status == 200
    await browser.post(f"/console/account/sessions/{reference}/end")
    assert (await another.get("/console/account")).status == 303
    assert trail(works) == [(AGENT, "session.end", AGENT)]
    assert clock.at == NOW


async def test_the_screen_speaks_the_language_that_was_chosen(browser: Browser, works: Works) -> None:
    await browser.sign_in(AGENT)
    await browser.post("/console/account/language", language="zh-CN")
    assert "退出登录" in (await browser.get("/console/account")).text
    assert (await browser.post("/console/account/language", language="tlh")).status == 422
    await browser.post("/console/account/language", language="")
    assert "Sign out" in (await browser.get("/console/account")).text
    assert [action for _, action, _ in trail(works)] == ["account.language", "account.language"]


# --- The trail


async def test_signing_in_is_in_the_trail_in_words(browser: Browser, another: Browser, works: Works) -> None:
    await another.sign_in(AGENT, "a wrong password")
    await another.sign_in(AGENT)
    (entry,) = works.store.audit.latest(action="session.open")
    assert entry.deed == Deed(AGENT, "session.open", AGENT, {}, another.place)
    await browser.sign_in(MANAGER)
    page = (await browser.get(f"/console/trail?by={AGENT}")).text
    assert "signed in" in page
    assert another.place in page


async def test_managers_read_the_trail_page_after_page(browser: Browser, works: Works) -> None:
    for index in range(120):
        works.store.audit.add(Deed("1501", "campaign.pause", f"survey-{index}", {"why": ["a", "<b>"]}), NOW)
    await browser.sign_in(MANAGER)
    page = (await browser.get("/console/trail?by=1501")).text
    assert "paused a campaign" in page
    assert "a, &lt;b&gt;" in page
    found = re.findall(r"survey-\d+", page)
    while (older := re.search(r'href="(/console/trail\?[^"]*before=\d+)"', page)) is not None:
        page = (await browser.get(older[1].replace("&amp;", "&"))).text
        found += re.findall(r"survey-\d+", page)
    assert found == [f"survey-{index}" for index in reversed(range(120))]
    assert "survey-7<" in (await browser.get("/console/trail?subject=survey-7&before=x")).text
    assert "Nothing was done" in (await browser.get("/console/trail?by=nobody")).text
