"""Who may open what: all routes, with every role and with nobody, and what keeps other sites' pages out."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette

from dialer.core import access
from dialer.core.access import Permission
from dialer.core.agent import Role
from dialer.web.console.gate import Gate
from tests.web.console.conftest import NOW, NUMBERS, SETUP

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from dialer.bootstrap import Works
    from dialer.store import Member
    from dialer.web.console import Console
    from dialer.web.console.site import Door
    from tests.web.console.conftest import Browser, Hand

pytestmark = pytest.mark.anyio

PUBLIC = {("GET", "/console/sign-in"), ("POST", "/console/sign-in")}


def target(door: Door) -> str:
    """A path that the door's pattern fits, of something that does not exist."""
    return re.sub(r"{[^}]*}", "0", door.path)


def test_only_signing_in_needs_nobody_signed_in(console: Console) -> None:
    assert {(door.method, door.path) for door in console.doors if door.permission is None} == PUBLIC


def test_every_route_stands_behind_a_gate_or_serves_files(console: Console) -> None:
    bare = [route.path for route in console.routes() if not isinstance(getattr(route.endpoint, "__self__", None), Gate)]
    assert bare == ["/", "/console/static/{name}"]


async def test_nobody_gets_no_further_than_signing_in(browser: Browser, console: Console) -> None:
    for door in console.doors:
        if door.permission is None:
            continue
        answer = await browser.ask(door.method, target(door), {"sec-fetch-site": "same-origin"})
        if door.is_stream:
            assert answer.status == 401
        else:
            assert (answer.status, answer.goes_to.partition("?")[0]) == (303, "/console/sign-in"), door.path


@pytest.mark.parametrize("role", Role)
async def test_all_routes_with_every_role(browser: Browser, console: Console, role: Role) -> None:
    await browser.sign_in(NUMBERS[role])
    for door in console.doors:
        if door.permission is None or door.path == "/console/sign-out":
            continue
        granted = access.may(role, door.permission)
        if granted and (door.is_stream or door.method == "POST"):
            # What is granted is done by its own tests; here it is enough that the gate asks for the token next.
            if door.method == "POST":
                answer = await browser.ask("POST", target(door), {"sec-fetch-site": "same-origin"})
                assert answer.status == 403, door.path
            continue
        send = browser.get if door.method == "GET" else browser.post
        answer = await send(target(door))
        assert (answer.status == 403) is not granted, (door.path, answer.status)
        assert granted or "Your role" in answer.text


async def test_navigation_shows_only_what_may_be_opened(browser: Browser, another: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.MANAGER])
    await another.sign_in(NUMBERS[Role.AGENT])
    assert 'href="/console/people"' in (await browser.get("/console/account")).text
    assert 'href="/console/people"' not in (await another.get("/console/account")).text


async def test_the_start_leads_to_the_roles_own_page(browser: Browser, console: Console, people: object) -> None:
    del people
    assert (await browser.get("/")).goes_to == "/console"
    assert (await browser.get("/console")).goes_to == "/console/sign-in"
    await browser.sign_in(NUMBERS[Role.MANAGER])
    here = {door.path for door in console.doors}
    expected = "/console/board" if "/console/board" in here else "/console/account"
    assert (await browser.get("/console")).goes_to == expected


async def test_unknown_page_is_said_and_not_to_strangers(browser: Browser) -> None:
    assert (await browser.get("/console/nix")).goes_to.startswith("/console/sign-in")
    await browser.sign_in(NUMBERS[Role.AGENT])
    assert (await browser.get("/console/nix")).status == 404


# --- Other sites' pages


@pytest.mark.parametrize(
    ("headers", "token", "status"),
    [
        ({}, True, 303),
        ({"sec-fetch-site": "same-origin"}, True, 303),
        ({"origin": "https://calls.example.com"}, True, 303),
        ({"sec-fetch-site": "same-origin"}, False, 403),
        ({}, False, 403),
        ({"sec-fetch-site": "cross-site"}, True, 403),
        ({"sec-fetch-site": "same-site"}, True, 403),
        ({"origin": "https://evil.example"}, True, 403),
        ({"origin": "null"}, True, 403),
    ],
)
async def test_a_change_needs_the_token_and_our_own_page(
    browser: Browser,
    works: Works,
    headers: dict[str, str],
    token: bool,  # noqa: FBT001 - a parameter of the test
    status: int,
) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    given = headers | {"content-type": "application/x-www-form-urlencoded"}
    body = b"language=zh-CN&csrf=" + (browser.csrf if token else "wrong").encode()
    answer = await browser.ask("POST", "/console/account/language", given, body)
    assert answer.status == status
    found = works.store.agents.get(NUMBERS[Role.AGENT])
    assert found is not None
    assert found.screen_language == ("zh-CN" if status == 303 else "")


async def test_another_sessions_token_does_not_count(browser: Browser, another: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    await another.sign_in(NUMBERS[Role.MANAGER])
    browser.csrf = another.csrf
    assert (await browser.post("/console/account/language", language="en")).status == 403


async def test_signing_in_from_another_site_is_refused(browser: Browser) -> None:
    body = b"staff_number=2001&password=a+long+made-up+sentence"
    kind = {"content-type": "application/x-www-form-urlencoded"}
    for headers in ({}, {"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        assert (await browser.ask("POST", "/console/sign-in", kind | headers, body)).status == 403
    assert not browser.cookies


async def test_what_cannot_be_read_is_said_without_a_stack_trace(
    browser: Browser, console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    @console.page("/odd/{number}", Permission.ACCOUNT)
    async def odd(request: Request) -> Response:
        number = int(request.path_params["number"])
        await console.works.desk.ask(console.works.store.agents.by_id, number)
        raise AssertionError

    browser.app = Starlette(routes=console.routes())
    await browser.sign_in(NUMBERS[Role.AGENT])
    for number in ("9" * 5000, "9" * 30, "secret"):
        answer = await browser.get(f"/console/odd/{number}")
        assert answer.status == 400
        assert "cannot be read" in answer.text
        assert "content-security-policy" in answer.headers
    assert "secret" not in caplog.text
    headers = {"origin": "https://[", "content-type": "application/x-www-form-urlencoded"}
    assert (await browser.ask("POST", "/console/account/language", headers)).status == 400


async def test_forms_have_a_size_and_a_kind(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    assert (await browser.post("/console/account/language", language="x" * 70_000)).status == 413
    headers = {"sec-fetch-site": "same-origin", "content-type": "application/json", "x-csrf-token": browser.csrf}
    assert (await browser.ask("POST", "/console/account/language", headers, b"{}")).status == 415


# --- Sessions


async def test_sessions_end_when_unused_and_at_last_in_any_case(browser: Browser, clock: Hand, works: Works) -> None:
    given = works.settings
    await browser.sign_in(NUMBERS[Role.AGENT])
    while clock.at + given.session_idle * 0.9 < NOW + given.session_longest:
        clock.at += given.session_idle * 0.9
        assert (await browser.get("/console/account")).status == 200
    clock.at = NOW + given.session_longest
    assert (await browser.get("/console/account")).status == 303
    await browser.sign_in(NUMBERS[Role.AGENT])
    clock.at += given.session_idle
    assert (await browser.get("/console/account")).status == 303


async def test_what_screens_ask_by_themselves_keeps_no_session_awake(
    browser: Browser, clock: Hand, works: Works
) -> None:
    step = works.settings.session_idle * 0.4
    await browser.sign_in(NUMBERS[Role.TEAM_LEAD])
    for _ in range(2):
        clock.at += step
        assert (await browser.get("/console/session", htmx=True)).status == 204
    assert (await browser.get("/console/account")).status == 200, "that was somebody"
    for _ in range(2):
        clock.at += step
        assert (await browser.get("/console/session", htmx=True)).status == 204
    clock.at += step
    assert (await browser.get("/console/session", htmx=True)).status == 401
    assert (await browser.get("/console/account")).status == 303


def test_only_what_screens_ask_by_themselves_keeps_nobody_awake(console: Console) -> None:
    sleepy = {door.path for door in console.doors if not door.keeps_awake}
    streams = {door.path for door in console.doors if door.is_stream}
    assert sleepy == streams | {"/console/session", "/console/calls/here"}


async def test_a_revoked_session_is_over_at_once(browser: Browser, works: Works, people: dict[Role, Member]) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    works.store.sessions.revoke_everywhere(people[Role.AGENT].id, NOW, SETUP)
    assert (await browser.get("/console/account")).goes_to.startswith("/console/sign-in")
    answer = await browser.get("/console/account", htmx=True)
    assert (answer.status, answer.goes_to) == (401, "/console/sign-in")


async def test_signing_out_ends_the_session_on_the_server(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    kept = dict(browser.cookies)
    assert (await browser.post("/console/sign-out")).goes_to == "/console/sign-in"
    assert not browser.cookies
    browser.cookies = kept
    assert (await browser.get("/console/account")).status == 303


async def test_the_cookie_is_for_this_site_alone_and_not_kept_by_us(browser: Browser, works: Works) -> None:
    answer = await browser.sign_in(NUMBERS[Role.AGENT])
    (cookie,) = answer.cookies
    for part in ("__Host-dialer=", "HttpOnly", "Secure", "SameSite=strict", "Path=/"):
        assert part in cookie
    token = browser.cookies["__Host-dialer"]
    member = works.store.agents.get(NUMBERS[Role.AGENT])
    assert member is not None
    (session,) = works.store.sessions.of(member.id, NOW, timedelta(hours=1))
    assert token not in {session.digest, session.csrf}


async def test_every_answer_carries_the_headers(browser: Browser) -> None:
    await browser.sign_in(NUMBERS[Role.AGENT])
    for path in ("/console", "/console/account", "/console/people", "/console/sign-in", "/console/nix"):
        answer = await browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "permissions-policy" in answer.headers


async def test_files_are_kept_by_browsers_until_they_change(browser: Browser) -> None:
    page = await browser.get("/console/sign-in")
    for path in re.findall(r'(?:href|src)="(/console/static/[^"]+)"', page.text):
        answer = await browser.get(path)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
    assert (await browser.get("/console/static/console.css?v=old")).headers["cache-control"] == "no-cache"
    assert (await browser.get("/console/static/nix.css")).status == 404
    assert (await browser.get("/console/static/..%2fapp.py")).status == 404


async def test_pages_hold_nothing_that_the_policy_forbids(browser: Browser, console: Console) -> None:
    await browser.sign_in(NUMBERS[Role.MANAGER])
    for door in console.doors:
        if door.method == "GET" and not door.is_stream:
            text = (await browser.get(target(door).replace("/people/0", "/people/2001"))).text
            assert not re.search(r"<[^>]+\s(style|on\w+)=|javascript:|<script(?![^>]*\ssrc=)|<style", text), door.path
