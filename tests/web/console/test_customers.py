"""Customers' files: found by name, numbers masked and shown only on request, whatever they hold is only text."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.agent import Role
from tests import campaigns
from tests.store import floor
from tests.web.console import leads
from tests.web.console.conftest import NOW, NUMBERS

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 3)
    return leads.wired(works)


@pytest.fixture
def browser(all_works: Any) -> Browser:
    return leads.site(all_works)


async def test_customers_are_found_by_reference_and_by_name(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    by_name = await browser.get("/console/customers?q=name+OF+c2")
    by_reference = await browser.get("/console/customers?q=c1")

    assert "Name of C2" in by_name.text
    assert "Name of C1" not in by_name.text
    assert 'href="/console/customers/C1"' in by_reference.text
    assert "Name of C2" not in by_reference.text


async def test_numbers_are_not_searched(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    for wanted in (leads.WHOLE, leads.WHOLE[-4:], "442079460"):
        page = (await browser.get(f"/console/customers?q={wanted.replace('+', '%2B')}")).text
        assert "Name of C" not in page
        assert "Numbers are not searched" in page


async def test_a_search_as_one_types_brings_the_list_alone(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    answer = await browser.ask("GET", "/console/customers?q=C1", {"hx-request": "true", "hx-target": "found"})
    assert "Name of C1" in answer.text
    assert "<input" not in answer.text


async def test_wildcards_are_letters_like_others(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "Name of C" not in (await browser.get("/console/customers?q=%25")).text


async def test_the_file_tells_everything_about_a_customer(browser: Browser, all_works: Any) -> None:
    store = all_works.store
    floor.agent(store, "3001", "Li Na")
    mark = {"node": "ask", "tries": 1, "digits": "1", "answer": "satisfied"}
    said: dict[str, Any] = {"agent": "3001", "notes": "wants an invoice", "talk_seconds": 95.0, "marks": [mark]}
    floor.over(store, "C1", NOW - HOUR, **said)
    floor.promise(store, "C1", NOW + HOUR, NOW + 2 * HOUR, note="after lunch")
    floor.task(store, "C1", NOW + HOUR, "case", what="look at the bill")
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/customers/C1")).text

    told = ("Li Na", "wants an invoice", "satisfied", "1:35", "after lunch", "look at the bill", "Europe/London")
    for one in (*told, "reached", "the first call", "Survey"):
        assert one in page, one


async def test_numbers_are_masked_until_they_are_asked_for_and_each_showing_is_written_down(
    browser: Browser, all_works: Any
) -> None:
    floor.over(all_works.store, "C1", NOW - HOUR)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1")).text
    assert leads.WHOLE not in page
    assert str(campaigns.number(1)) in page

    shown = await browser.post("/console/customers/C1/number", htmx=True, index="0")

    assert leads.WHOLE in shown.text
    assert "<html" not in shown.text
    (entry,) = all_works.store.audit.latest(action="number.show")
    assert (entry.deed.by, entry.deed.subject) == (NUMBERS[Role.TEAM_LEAD], "C1")
    assert leads.WHOLE not in str(entry.deed.detail)


@pytest.mark.parametrize("index", ["1", "-1", "x", "99999999999999999999", "²"])
async def test_a_number_that_is_not_there_is_not_shown(browser: Browser, all_works: Any, index: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.post("/console/customers/C1/number", index=index)).status == 404
    assert all_works.store.audit.latest(action="number.show") == []


@pytest.mark.parametrize("role", [Role.AGENT, Role.OPERATOR])
async def test_who_need_not_know_customers_does_not_see_them(browser: Browser, role: Role) -> None:
    await browser.sign_in(NUMBERS[role])
    for path in ("/console/customers", "/console/customers/C1", "/console/customers/C1/now"):
        assert (await browser.get(path)).status == 403
    assert (await browser.post("/console/customers/C1/number", index="0")).status == 403


async def test_hostile_files_are_only_text(browser: Browser, all_works: Any) -> None:
    evil = campaigns.customer("E&1", campaigns.number(5), attributes={leads.EVIL: leads.EVIL}, salutation=leads.EVIL)
    all_works.store.customers.upsert([evil], NOW)
    with all_works.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE customer SET name = '<script>alert(1)</script>' WHERE reference = 'E&1'")
    floor.enrol_one(all_works.store, "E&1")
    floor.over(all_works.store, "E&1", NOW - HOUR, notes=leads.EVIL, agent=leads.EVIL, code=leads.EVIL)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    for path in ("/console/customers/E&1", "/console/customers?q=script", "/console/customers/E&1/why"):
        page = (await browser.get(path)).text
        assert leads.EVIL not in page
        assert "E&amp;1" in page


async def test_a_reference_may_hold_a_slash(browser: Browser, all_works: Any) -> None:
    all_works.store.customers.upsert([campaigns.customer("2026/7", campaigns.number(6))], NOW)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "Name of 2026/7" in (await browser.get("/console/customers/2026/7")).text
    assert (await browser.get("/console/customers/2026/7/why")).status == 200
    assert campaigns.number(6).e164 in (await browser.post("/console/customers/2026/7/number", index="0")).text


async def test_what_each_campaign_says_now(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1/now", htmx=True)).text
    assert "survey" in page
    assert "<html" not in page


async def test_a_wish_not_to_be_called_is_said_first(browser: Browser, all_works: Any) -> None:
    all_works.store.suppressions.add_customers(["C1"], "person", NOW)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert "Asked not to be called" in (await browser.get("/console/customers/C1")).text


async def test_nobody_is_said(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get("/console/customers/nobody")).status == 404


async def test_a_file_in_chinese(browser: Browser, all_works: Any) -> None:
    floor.over(all_works.store, "C1", NOW - HOUR)
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1")).text
    for told in ("客户档案", "回访成功", "通话记录"):
        assert told in page
