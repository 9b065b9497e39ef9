"""Tasks on a page: taken and done by name, each written down."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dialer.core.agent import Role
from tests.store import floor
from tests.web.console import leads
from tests.web.console.conftest import NOW, NUMBERS

if TYPE_CHECKING:
    from dialer.bootstrap import Works
    from tests.web.console.conftest import Browser

pytestmark = pytest.mark.anyio

LEAD = NUMBERS[Role.TEAM_LEAD]
HOUR = timedelta(hours=1)


@pytest.fixture
def all_works(works: Works, people: object) -> Any:
    del people
    leads.fill(works.store, 3)
    return leads.wired(works)


@pytest.fixture
def browser(all_works: Any) -> Browser:
    return leads.site(all_works)


async def test_what_is_to_be_done(browser: Browser, all_works: Any) -> None:
    floor.task(all_works.store, "C0", NOW - HOUR, what="ask where they live")
    floor.task(all_works.store, "C1", NOW + HOUR, state="taken", taken_by="9999")
    floor.task(all_works.store, "C2", state="done", done_by="9999", result="closed")
    await browser.sign_in(LEAD)

    page = (await browser.get("/console/tasks")).text
    mine = (await browser.get("/console/tasks?mine=1")).text
    every = (await browser.get("/console/tasks?state=all", htmx=True)).text

    for told in ("Name of C0", "ask where they live", "overdue", "time zone unknown", "Taken by 9999"):
        assert told in page
    assert "Name of C2" not in page
    assert "Name of C" not in mine
    assert "Nothing is to be done" in mine
    assert "Name of C2" in every
    assert "<html" not in every


async def test_a_task_is_taken_and_done(browser: Browser, all_works: Any) -> None:
    key = floor.task(all_works.store, "C0", NOW + HOUR)
    await browser.sign_in(LEAD)

    taken = await browser.post(f"/console/tasks/{key}/take", htmx=True)
    done = await browser.post(f"/console/tasks/{key}/done", htmx=True, result="reached", note="all is well")

    assert f"Taken by {LEAD}" in taken.text
    assert f'id="task-{key}"' in taken.text
    assert "<html" not in taken.text
    assert "all is well" in done.text
    (found,) = all_works.store.tasks.find(states=("done",))
    assert (found.done_by, found.result, found.note) == (LEAD, "reached", "all is well")
    told = [(one.deed.action, one.deed.subject) for one in all_works.store.audit.latest(action="task")]
    assert told == [("task.done", str(key)), ("task.take", str(key))]
    assert "all is well" not in str([one.deed.detail for one in all_works.store.audit.latest()])


async def test_what_the_gate_makes_of_a_mended_task_is_said(browser: Browser, all_works: Any) -> None:
    key = floor.task(all_works.store, "C0", NOW + HOUR)
    await browser.sign_in(LEAD)
    done = await browser.post(f"/console/tasks/{key}/done", htmx=True, result="call_again")
    assert "The next call may be made from" in done.text


async def test_somebody_elses_task_is_left_alone(browser: Browser, all_works: Any) -> None:
    key = floor.task(all_works.store, "C0", NOW + HOUR, state="taken", taken_by="9999", taken_at=NOW)
    await browser.sign_in(LEAD)
    assert (await browser.post(f"/console/tasks/{key}/take", htmx=True)).status == 422
    assert all_works.store.audit.latest(action="task") == []


async def test_a_result_must_be_said(browser: Browser, all_works: Any) -> None:
    key = floor.task(all_works.store, "C0", NOW + HOUR)
    await browser.sign_in(LEAD)
    for result in ("", "perhaps"):
        assert (await browser.post(f"/console/tasks/{key}/done", result=result)).status == 422


@pytest.mark.parametrize("key", ["0", "x", "99999999999999999999"])
async def test_a_task_that_is_not_there_is_said(browser: Browser, key: str) -> None:
    await browser.sign_in(LEAD)
    assert (await browser.post(f"/console/tasks/{key}/take")).status == 404


async def test_without_scripts_the_list_comes_again(browser: Browser, all_works: Any) -> None:
    key = floor.task(all_works.store, "C0", NOW + HOUR)
    await browser.sign_in(LEAD)
    assert (await browser.post(f"/console/tasks/{key}/take")).goes_to == f"/console/tasks#task-{key}"


async def test_hostile_tasks_are_only_text(browser: Browser, all_works: Any) -> None:
    floor.task(all_works.store, "C0", NOW + HOUR, what=leads.EVIL, person=leads.EVIL)
    await browser.sign_in(LEAD)
    assert leads.EVIL not in (await browser.get("/console/tasks")).text


@pytest.mark.parametrize("role", [Role.AGENT, Role.OPERATOR])
async def test_tasks_name_customers_and_are_not_for_everybody(browser: Browser, role: Role) -> None:
    await browser.sign_in(NUMBERS[role])
    assert (await browser.get("/console/tasks")).status == 403


async def test_tasks_in_chinese(browser: Browser, all_works: Any) -> None:
    floor.task(all_works.store, "C0", NOW + HOUR)
    browser.language = "zh-CN"
    await browser.sign_in(LEAD)
    page = (await browser.get("/console/tasks")).text
    for told in ("任务", "时区不明", "领取"):
        assert told in page
