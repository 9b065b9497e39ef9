"""Campaigns on a page: how they stand, and pausing and resuming them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.agent import Role
from tests.web.console import leads
from tests.web.console.conftest import NUMBERS

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 3)
    return leads.wired(works)


@pytest.fixture
def browser(all_works: Any) -> Browser:
    return leads.site(all_works)


async def test_campaigns_and_where_their_callbacks_stand(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.OPERATOR])
    page = (await browser.get("/console/campaigns")).text
    for told in ("Survey", "predictive", "runs", 'href="/console/campaigns/survey"'):
        assert told in page


async def test_what_stands_in_the_way_is_grouped(browser: Browser, all_works: Any) -> None:
    with all_works.store.database.write() as connection:
        for key, zone in ((1, "Europe/London (Tue 06:30 there)"), (2, "Europe/London (Tue 07:45 there)")):
            note = f"house hours are shut in {zone}"
            connection.exec_driver_sql("UPDATE callback SET note = ? WHERE id = ?", (note, key))
        held = "UPDATE callback SET state = 'held', reason = 'no_zone' WHERE id = 3"
        connection.exec_driver_sql(held)
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])

    page = (await browser.get("/console/campaigns/survey")).text

    assert page.count("house hours are shut") == 1
    assert "06:30" not in page
    assert "time zone unknown" in page


async def test_pausing_needs_a_reason_and_is_written_down(browser: Browser, all_works: Any) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    refused = await browser.post("/console/campaigns/survey/pause", htmx=True, reason="  ")
    assert refused.status == 422
    assert "Say why" in refused.text
    assert not all_works.store.campaigns.get("survey").paused

    version = all_works.changes.version
    paused = await browser.post("/console/campaigns/survey/pause", htmx=True, reason="wrong <b>script</b>")

    assert "wrong &lt;b&gt;script" in paused.text
    assert "<html" not in paused.text
    assert all_works.store.campaigns.get("survey").pause_reason == "wrong <b>script</b>"
    assert all_works.changes.version > version
    await browser.post("/console/campaigns/survey/resume")
    assert not all_works.store.campaigns.get("survey").paused
    told = [(one.deed.by, one.deed.action) for one in all_works.store.audit.latest(action="campaign")]
    lead = NUMBERS[Role.TEAM_LEAD]
    assert told == [(lead, "campaign.resume"), (lead, "campaign.pause")]


async def test_a_campaign_that_is_not_there_is_said(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get("/console/campaigns/nothing")).status == 404
    assert (await browser.post("/console/campaigns/nothing/pause", reason="x")).status == 404


async def test_agents_do_not_see_campaigns(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    assert (await browser.get("/console/campaigns")).status == 403


async def test_no_campaign_teaches(works: Works, people: object) -> None:
    del people
    browser = leads.site(leads.wired(works))
    await browser.sign_in(NUMBERS[Role.MANAGER])
    assert "dialer campaigns apply" in (await browser.get("/console/campaigns")).text


async def test_campaigns_in_chinese(browser: Browser) -> None:
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.MANAGER])
    for path in ("/console/campaigns", "/console/campaigns/survey"):
        page = (await browser.get(path)).text
        assert "待回访" in page
        assert "预测式" in page
