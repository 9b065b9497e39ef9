"""Why, on a page: the gate's own answer, rule by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.agent import Role
from dialer.engine.explain import explain
from tests.web.console import leads
from tests.web.console.conftest import NOW, NUMBERS

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 2)
    return leads.wired(works)


@pytest.fixture
def browser(all_works: Any) -> Browser:
    return leads.site(all_works)


async def test_every_rule_of_the_gate_is_told(browser: Browser, all_works: Any) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    (expected,) = explain(all_works.store, all_works.store.house, "C1", NOW, campaign="survey")

    page = (await browser.get("/console/customers/C1/why?campaign=survey")).text

    assert page.count(">pass<") + page.count(">fail<") == len(expected.rules)
    assert "Europe/London" in page
    assert 'class="chart-days"' in page
    assert page.count("chart-slot") >= 7 * 48
    assert leads.WHOLE not in page


async def test_without_a_campaign_all_of_them_are_told(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1/why")).text
    assert "/console/customers/C1/why?campaign=survey" in page


async def test_who_asked_not_to_be_called_reads_it(browser: Browser, all_works: Any) -> None:
    all_works.store.suppressions.add_customers(["C1"], "person", NOW)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1/why?campaign=survey")).text
    assert "is not called" in page
    assert "Wishes not to be called" in page


@pytest.mark.parametrize("path", ["nobody/why", "C1/why?campaign=nothing"])
async def test_what_is_not_there_is_said(browser: Browser, path: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get(f"/console/customers/{path}")).status == 404


async def test_an_operator_may_not_ask_about_a_customer(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.OPERATOR])
    assert (await browser.get("/console/customers/C1/why")).status == 403


async def test_why_in_chinese(browser: Browser) -> None:
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get("/console/customers/C1/why?campaign=survey")).text
    for told in ("通过", "规则", "期限"):
        assert told in page
    assert ">pass<" not in page
