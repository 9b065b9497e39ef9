"""Figures for whoever watches the service, in the format Prometheus reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from starlette.responses import Response

if TYPE_CHECKING:
    from dialer.bootstrap import Works

WEBHOOKS = Counter("dialer_webhooks", "Webhooks answered.", ["kind", "status"])
WEBHOOK_SECONDS = Histogram(
    "dialer_webhook_seconds", "Time to answer a webhook.", ["kind"], buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
)
CALLS_SENT = Gauge("dialer_calls_sent", "Calls this process has sent on their way.")
OPEN_ATTEMPTS = Gauge("dialer_open_attempts", "Attempts that hold a number.")
CALLBACKS = Gauge("dialer_callbacks", "Callbacks by campaign and state.", ["campaign", "state"])

PROMISES = Gauge("dialer_promises", "Promised times by campaign and what became of them.", ["campaign", "state"])
TASKS = Gauge("dialer_open_tasks", "What people still have to do, by campaign and kind.", ["campaign", "kind"])


AGENTS = Gauge("dialer_agents", "Agents by where they stand.", ["state"])
WAITED = Gauge("dialer_waited_for_agent_30d", "Customers who came to wait for an agent, in 30 days.", ["campaign"])
ABANDONED = Gauge("dialer_abandoned_30d", "Those of them who met nobody in time.", ["campaign"])
WINDOW = timedelta(days=30)


async def exposition(works: Works) -> Response:
    """The figures as they are now."""
    CALLS_SENT.set(works.dialer.dialed)
    OPEN_ATTEMPTS.set(await works.desk.ask(works.store.attempts.open_count))
    CALLBACKS.clear()  # where nobody stands any more there is no row to say so
    for (campaign, state), count in (await works.desk.ask(works.store.callbacks.counts)).items():
        CALLBACKS.labels(campaign, state.value).set(count)
    PROMISES.clear()
    for (campaign, kept), count in (await works.desk.ask(works.store.promises.counts)).items():
        PROMISES.labels(campaign, kept).set(count)
    TASKS.clear()
    for (campaign, kind), count in (await works.desk.ask(works.store.tasks.counts)).items():
        TASKS.labels(campaign, kind).set(count)
    await _agents(works)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _agents(works: Works) -> None:
    AGENTS.clear()
    for seat in await works.desk.ask(works.store.presences.all):
        AGENTS.labels(seat.presence.state.value).inc()
    staffed = [one.campaign.id for one in await works.desk.ask(works.store.campaigns.all) if one.campaign.agents]
    now = works.clock.now()
    counts = await works.desk.ask(works.store.board.abandonment, staffed, now - WINDOW, now)
    for gauge in (WAITED, ABANDONED):
        gauge.clear()
    for campaign, (abandoned, waited) in counts.items():
        WAITED.labels(campaign).set(waited)
        ABANDONED.labels(campaign).set(abandoned)
