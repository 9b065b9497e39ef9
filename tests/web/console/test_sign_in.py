"""Signing in: slow for those who guess, silent about who exists, and never on to another site."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from starlette.applications import Starlette

from dialer.core.agent import Role
from dialer.engine.passwords import Passwords
from dialer.store.sign_ins import FOR_A_NAME, FOR_A_NAME_ANYWHERE, FOR_A_PLACE, WITHIN
from dialer.web.console.pages import create_console
from tests.web.console.conftest import CHEAP, HASH, NOW, NUMBERS, PASSWORD, SETUP, Browser

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.bootstrap import Works
    from dialer.store import Member
    from dialer.web.console import Console
    from tests.web.console.conftest import Hand

pytestmark = pytest.mark.anyio

AGENT, LEAD, MANAGER = NUMBERS[Role.AGENT], NUMBERS[Role.TEAM_LEAD], NUMBERS[Role.MANAGER]


async def test_signed_in_and_led_to_where_one_wanted(browser: Browser) -> None:
    asked = await browser.get("/console/people?left=1")
    assert asked.goes_to == "/console/sign-in?next=%2Fconsole%2Fpeople%3Fleft%3D1"
    page = await browser.get(asked.goes_to)
    assert 'name="next" value="/console/people?left=1"' in page.text
    assert (await browser.sign_in(LEAD, onward="/console/people?left=1")).goes_to == "/console/people?left=1"
    assert (await browser.get("/console/sign-in")).status == 303


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.example",
        "//[",
        "/console\t",
        "https://evil.example",
        "/console\\evil",
        "/\\evil.example",
        "/healthz",
        "javascript:1",
        "x",
    ],
)
async def test_nobody_is_led_to_another_site(browser: Browser, onward: str) -> None:
    assert 'name="next" value=""' in (await browser.get(f"/console/sign-in?next={onward}")).text
    assert (await browser.sign_in(AGENT, onward=onward)).goes_to == "/console"


async def test_the_answer_is_the_same_whoever_exists(
    browser: Browser, works: Works, people: dict[Role, Member]
) -> None:
    works.store.agents.set_password(LEAD, "", NOW, SETUP, must_change=True)
    gone = replace(people[Role.AGENT].agent, staff_number="2999", active=False)
    works.store.agents.add(gone, NOW, SETUP, password=HASH)
    answers = [await browser.sign_in(number, "a wrong password") for number in (AGENT, "7777", LEAD, "2999", "")]
    answers.append(await browser.sign_in("2999", PASSWORD))  # has left
    answers.append(await browser.sign_in(LEAD, ""))  # cannot sign in
    assert {(one.status, one.text.replace(" ", "")) for one in answers} == {(422, answers[0].text.replace(" ", ""))}
    assert not browser.cookies


async def test_as_much_work_for_names_that_do_not_exist(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[str] = []

    def verify(_: PasswordHasher, kept: str, typed: str) -> bool:
        worked.append(kept)
        raise VerifyMismatchError(typed)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    await browser.sign_in("7777", "a wrong password")
    await browser.sign_in(AGENT, "a wrong password")
    assert len(worked) == 2
    assert all(kept.startswith("$argon2id$") for kept in worked)


@pytest.mark.parametrize("number", [AGENT, "7777"])
async def test_a_name_waits_after_some_failures_whether_it_exists_or_not(
    browser: Browser, another: Browser, clock: Hand, number: str
) -> None:
    for _ in range(FOR_A_NAME):
        assert (await browser.sign_in(number, "a wrong password")).status == 422
    answer, right = await browser.sign_in(number), 303 if number == AGENT else 422
    assert (answer.status, answer.headers["retry-after"]) == (429, "900")
    assert (await another.sign_in(number)).status == right, "a stranger elsewhere locks nobody out"
    assert (await browser.sign_in(LEAD)).status == 303, "others are not concerned"
    browser.cookies.clear()
    clock.at += WITHIN
    assert (await browser.sign_in(number)).status == right


@pytest.mark.parametrize("number", [MANAGER, "7777"])
async def test_a_name_waits_everywhere_when_many_places_try_it(browser: Browser, number: str) -> None:
    for index in range(FOR_A_NAME_ANYWHERE):
        browser.place = f"203.0.113.{index // FOR_A_NAME}"
        assert (await browser.sign_in(number, "a wrong password")).status == 422
    browser.place = "192.0.2.7"
    assert (await browser.sign_in(number)).status == 429


async def test_a_whole_office_signs_in_at_the_same_moment(
    console: Console, works: Works, people: dict[Role, Member]
) -> None:
    numbers = [str(5000 + index) for index in range(FOR_A_PLACE + 15)]
    for number in numbers:
        works.store.agents.add(replace(people[Role.AGENT].agent, staff_number=number), NOW, SETUP, password=HASH)
    app = Starlette(routes=console.routes())
    answers = await asyncio.gather(*(Browser(console, app).sign_in(number) for number in numbers))
    assert {one.status for one in answers} == {303}


async def test_guesses_at_the_same_moment_do_not_all_pass(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0

    def verify(_: Passwords, kept: str, typed: str) -> bool:
        nonlocal looked_at
        looked_at += 1
        return bool(kept) and typed == PASSWORD

    monkeypatch.setattr(Passwords, "verify", verify)
    answers = await asyncio.gather(*(browser.sign_in(AGENT, f"wrong {index}") for index in range(4 * FOR_A_NAME)))
    assert looked_at == FOR_A_NAME
    assert sorted(one.status for one in answers) == [422] * FOR_A_NAME + [429] * 3 * FOR_A_NAME


async def test_led_by_htmx_to_a_page_with_any_name(browser: Browser) -> None:
    fields = {"staff_number": LEAD, "password": PASSWORD, "next": "/console/customers/李娜?a=1&b=%20"}
    answer = await browser.post("/console/sign-in", htmx=True, **fields)
    assert (answer.status, answer.goes_to) == (204, "/console/customers/%E6%9D%8E%E5%A8%9C?a=1&b=%20")


async def test_a_success_begins_anew(browser: Browser) -> None:
    for _ in range(2):
        for _ in range(FOR_A_NAME - 1):
            await browser.sign_in(AGENT, "a wrong password")
        assert (await browser.sign_in(AGENT)).status == 303


async def test_a_place_waits_after_more_failures_and_a_restart_forgives_nothing(
    browser: Browser, another: Browser
) -> None:
    for index in range(FOR_A_PLACE):
        assert (await browser.sign_in(f"70{index}", "a wrong password")).status == 422
    again = create_console(browser.console.works, CHEAP)
    restarted = Browser(again, type(browser.app)(routes=again.routes()), browser.place)
    assert (await restarted.sign_in(AGENT)).status == 429
    assert (await another.sign_in(AGENT)).status == 303


async def test_what_was_typed_as_a_name_is_not_kept(browser: Browser, works: Works) -> None:
    await browser.sign_in("My secret password", "")
    with works.store.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT staff_number FROM sign_in").all()
    assert "ecret" not in str(rows)


async def test_an_old_hash_is_renewed_and_the_password_stays(browser: Browser, works: Works) -> None:
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1))
    browser.console.passwords = stronger
    assert (await browser.sign_in(AGENT)).status == 303
    member = works.store.agents.get(AGENT)
    assert member is not None
    assert member.password != HASH
    assert stronger.verify(member.password, PASSWORD)
    assert not stronger.is_outdated(member.password)


@pytest.mark.parametrize("what", ["changed", "left"])
async def test_a_sign_in_on_its_way_when_the_password_changes_or_they_leave_opens_nothing(
    another: Browser, works: Works, people: dict[Role, Member], monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The change comes while the password is looked at, which is when most of the time goes by."""
    wrong = await another.sign_in(LEAD, "a wrong password")
    agents, verify, lead = works.store.agents, Passwords.verify, people[Role.TEAM_LEAD].agent

    def meanwhile(passwords: Passwords, kept: str, typed: str) -> bool:
        right = verify(passwords, kept, typed)
        if what == "changed":
            agents.set_password(LEAD, CHEAP.hash("another long sentence"), NOW, SETUP, must_change=False)
        else:
            agents.change(replace(lead, active=False), NOW, SETUP)
        return right

    monkeypatch.setattr(Passwords, "verify", meanwhile)
    answer = await another.sign_in(LEAD)
    assert (answer.status, answer.text) == (422, wrong.text)
    assert not another.cookies
    assert works.store.audit.latest(action="session") == []
    with works.store.database.read() as connection:
        assert not any(connection.exec_driver_sql("SELECT worked FROM sign_in").scalars())


async def test_a_session_is_over_when_the_password_changes_after_it_was_opened(
    browser: Browser, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other order: the change comes after the session and before the browser has heard of it."""
    worked = works.store.sign_ins.worked

    def meanwhile(key: int, now: datetime) -> None:
        works.store.agents.set_password(LEAD, CHEAP.hash("another long sentence"), NOW, SETUP, must_change=False)
        worked(key, now)

    monkeypatch.setattr(works.store.sign_ins, "worked", meanwhile)
    await browser.sign_in(LEAD)
    assert (await browser.get("/console/account")).goes_to.startswith("/console/sign-in")


async def test_strangers_keep_nobody_out_of_where_they_work(browser: Browser, another: Browser) -> None:
    """By trying a number from many places, and by making up names behind the same proxy."""
    await browser.sign_in(MANAGER)
    browser.cookies.clear()
    for index in range(FOR_A_NAME_ANYWHERE):
        another.place = f"2001:db8:0:{index // FOR_A_NAME:x}::{index:x}"
        assert (await another.sign_in(MANAGER, "a wrong password")).status == 422
    for index in range(FOR_A_PLACE):
        assert (await browser.sign_in(f"70{index}", "a wrong password")).status == 422
    assert (await browser.sign_in(AGENT)).status == 429
    assert (await browser.sign_in(MANAGER)).status == 303
    another.place = "203.0.113.5"
    assert (await another.sign_in(MANAGER)).status == 429


async def test_signing_in_again_ends_the_session_before(browser: Browser) -> None:
    await browser.sign_in(AGENT)
    old = dict(browser.cookies)
    await browser.sign_in(LEAD)
    assert browser.cookies != old
    browser.cookies = old
    assert (await browser.get("/console/account")).status == 303


async def test_in_the_language_chosen_there_from_then_on(browser: Browser, works: Works) -> None:
    assert 'lang="zh-CN"' in (await browser.get("/console/sign-in?language=zh-CN")).text
    answer = await browser.sign_in(AGENT, "wrong", language="zh-CN")
    assert "工号与密码不匹配" in answer.text
    await browser.sign_in(AGENT, language="zh-CN")
    assert "我的账户" in (await browser.get("/console/account")).text
    assert works.store.audit.latest()[0].deed.action == "account.language"
    browser.cookies.clear()
    browser.language = "zh"
    assert "登录" in (await browser.get("/console/sign-in")).text


async def test_a_database_that_fails_is_said_without_a_stack_trace(browser: Browser, works: Works) -> None:
    with works.store.database.write() as connection:
        connection.exec_driver_sql("DROP TABLE sign_in")
    answer = await browser.sign_in(AGENT)
    assert answer.status == 503
    assert "sign_in" not in answer.text
    assert "content-security-policy" in answer.headers


async def test_last_use_is_kept_to_the_minute_only(browser: Browser, works: Works, clock: Hand) -> None:
    await browser.sign_in(AGENT)
    member = works.store.agents.get(AGENT)
    assert member is not None

    def seen() -> object:
        (one,) = works.store.sessions.of(member.id, clock.at, timedelta(days=1))
        return one.seen_at

    clock.at += timedelta(seconds=59)
    await browser.get("/console/account")
    assert seen() == NOW
    clock.at += timedelta(seconds=1)
    await browser.get("/console/account")
    assert seen() == clock.at
