"""The carrier as a process: its control endpoints, its command line, and where it may listen."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest
import typer
from typer.testing import CliRunner

from dialer.carrier import CarrierConfig, CarrierConfigError
from dialer.cli.carrier import carrier
from tests.carrier.receiver import Page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.carrier.conftest import Builder
    from tests.carrier.receiver import World

app = typer.Typer()
app.command()(carrier)


@pytest.mark.anyio
async def test_control_tells_what_happened(world: World) -> None:
    world.receiver.pages["/answer"] = Page('<Response><Gather numDigits="1"/></Response>')
    created = await world.call(url=f"{world.receiver.url}/answer?attempt=token")
    await world.receiver.until(lambda: len(world.receiver.at("/answer")) == 2)
    await created.update_async(status="completed")
    await world.receiver.until_over()
    async with world.session.get(f"{world.carrier.url}/control/calls") as response:
        (line,) = (await response.text()).splitlines()
    call = json.loads(line)
    assert call["sid"] == created.sid
    assert call["url"].endswith("attempt=token")
    assert call["keys"] == ["1"]
    assert call["created"] <= call["rang"] <= call["answered"] <= call["ended"]
    async with world.session.get(f"{world.carrier.url}/control/stats") as response:
        stats = await response.json()
    assert (stats["calls"], stats["peak_concurrent"], stats["by_status"]) == (1, 1, {"completed": 1})
    assert stats["cpu_seconds"] > 0


@pytest.mark.anyio
async def test_control_changes_faults_and_people(world: World) -> None:
    control = f"{world.carrier.url}/control"
    async with world.session.post(f"{control}/faults", json={"late": "0.5@2", "forged": 1}) as response:
        assert await response.json() == {"late": [0.5, 2.0], "forged": [1.0, 0.0]}
    async with world.session.post(f"{control}/faults", json={"lat": 1}) as response:
        assert response.status == 400
        assert "unknown fault" in (await response.json())["error"]
    async with world.session.post(f"{control}/faults", json={}) as response:
        assert await response.json() == {}
    async with world.session.post(f"{control}/people", data=b'[{number: "*", answer: busy}]') as response:
        assert await response.json() == {"rules": 1}
    async with world.session.get(f"{control}/nothing") as response:
        assert response.status == 404
    await world.call()
    await world.receiver.until_over()
    assert world.carrier.calls()[0]["status"] == "busy"


@pytest.mark.anyio
async def test_the_same_seed_gives_the_same_calls(world_with: Builder) -> None:
    async def ran(seed: int) -> list[tuple[object, ...]]:
        world = await world_with("[]", seed=seed, speed=2000, calls_per_second=1000)
        world.receiver.pages["/answer"] = Page(
            '<Response><Gather numDigits="1" action="/end"><Say>Press 1 or 2</Say></Gather></Response>'
        )
        world.receiver.pages["/end"] = Page()
        for last in range(30):
            await world.call(f"+141555502{last:02}")
        await world.receiver.until_over(30)
        return [(call["to"], call["status"], call["sip"], *call["keys"]) for call in world.carrier.calls()]  # type: ignore[misc]

    assert await ran(7) == await ran(7) != await ran(8)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "example.com", "::"])  # noqa: S104 - refused
def test_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(CarrierConfigError, match="loopback only"):
        CarrierConfig(host=host)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "0.0.0.0"], "loopback only"),  # noqa: S104 - refused
        (["--speed", "0"], "speed 0"),
        (["--fault", "late"], "expected name=rate"),
        (["--people", "/nowhere/people.yaml"], "/nowhere/people.yaml: No such file"),
        (["--account-sid", "me"], "expected AC"),
    ],
)
def test_wrong_options_are_refused(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_wrong_people_are_refused_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "people.yaml"
    path.write_text('[{number: "*", answer: ghost}]', encoding="utf-8")
    result = CliRunner().invoke(app, ["--people", str(path)])
    assert result.exit_code == 2
    assert f"{path}: rule 1, answer: unknown ghost" in result.stderr


def test_help_lists_the_faults() -> None:
    result = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert all(name in result.stdout for name in ("callback-before-reply", "agent-drops", "join-slow"))


@pytest.mark.slow
@pytest.mark.anyio
async def test_the_process_says_when_it_listens_and_stops_on_sigterm() -> None:
    code = "import typer; from dialer.cli.carrier import carrier; typer.run(carrier)"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "--port", "0", stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    url = re.fullmatch(r"listening on (http://127\.0\.0\.1:\d+)\n", line)
    assert url
    async with aiohttp.ClientSession() as session, session.get(f"{url[1]}/control/stats") as response:
        assert response.status == 200
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 5) == 0
