"""Reports on a page and as files: the same figures as the command line's, numbers masked."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from dialer.core.agent import Role
from tests.store import floor
from tests.web.console import leads
from tests.web.console.conftest import NOW, NUMBERS

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser

pytestmark = pytest.mark.anyio

REPORTS = ("summary", "callbacks", "attempts")


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 3)
    floor.over(works.store, "C1", NOW - timedelta(hours=1), counted=True)
    return leads.wired(works)


@pytest.fixture
def browser(all_works: Any) -> Browser:
    made = leads.site(all_works)
    made.stays = True
    return made


@pytest.mark.parametrize("report", REPORTS)
async def test_a_report_on_a_page(browser: Browser, report: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    page = (await browser.get(f"/console/reports?report={report}")).text
    assert "<tbody><tr>" in page
    assert "survey" in page
    assert leads.WHOLE not in page
    assert "chart-hours" in page


@pytest.mark.parametrize("report", REPORTS)
async def test_a_report_as_csv(browser: Browser, all_works: Any, report: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    answer = await browser.get(f"/console/reports/file.csv?report={report}&campaign=survey")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{report}-survey-')
    assert len(answer.text.splitlines()) >= 2
    assert leads.WHOLE not in answer.text
    (entry,) = all_works.store.audit.latest(action="report.take")
    assert entry.deed.detail["report"] == report


async def test_a_report_as_a_workbook(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    answer = await browser.ask("GET", "/console/reports/file.xlsx?report=attempts")
    sheet = load_workbook(BytesIO(answer.body)).active
    assert sheet is not None
    assert sheet.max_row == 2


async def test_only_the_days_that_are_asked_for(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    before = "from=2026-01-01&to=2026-01-02"
    assert "Nothing in these days" in (await browser.get(f"/console/reports?report=attempts&{before}")).text
    csv = await browser.get(f"/console/reports/file.csv?report=attempts&{before}")
    assert len(csv.text.splitlines()) == 1


@pytest.mark.parametrize(
    "asked",
    [
        "from=2026-03-04&to=2026-03-03",
        "from=yesterday",
        "report=secrets",
        "to=2026-13-01",
        "to=9999-12-31",
        "from=0001-01-01&to=0001-01-02",
        "to=0001-01-02",
    ],
)
async def test_what_makes_no_sense_is_refused(browser: Browser, asked: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get(f"/console/reports?{asked}")).status == 422
    assert (await browser.get(f"/console/reports/file.csv?{asked}")).status == 422


@pytest.mark.parametrize("asked", ["to=2099-12-31", "to=2000-01-01", "from=2000-01-01"])
async def test_the_first_and_the_last_day_there_are(browser: Browser, asked: str) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get(f"/console/reports?{asked}")).status == 200


async def test_years_far_away_are_said(browser: Browser) -> None:
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    text = (await browser.get("/console/reports?to=9999-12-31")).text
    assert "超出可选日期范围" in text
    assert "2000–2099" in text


async def test_unknown_formats_are_refused(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    assert (await browser.get("/console/reports/file.exe")).status == 422


@pytest.mark.parametrize("role", [Role.AGENT, Role.OPERATOR])
async def test_reports_name_customers_and_are_not_for_everybody(browser: Browser, role: Role) -> None:
    await browser.sign_in(NUMBERS[role])
    assert (await browser.get("/console/reports")).status == 403
    assert (await browser.get("/console/reports/file.csv")).status == 403


async def test_reports_in_chinese(browser: Browser) -> None:
    browser.language = "zh-CN"
    await browser.sign_in(NUMBERS[Role.MANAGER])
    page = (await browser.get("/console/reports?report=callbacks")).text
    assert "报表" in page
    assert "客户编号" in page
    csv = (await browser.get("/console/reports/file.csv?report=callbacks")).text
    assert "客户编号" in csv
