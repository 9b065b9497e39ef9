"""`dialer carrier`: starts the stand-in telephone network from the command line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dialer.carrier import (
    DEFAULT_PORT,
    DEMO_ACCOUNT_SID,
    DEMO_AUTH_TOKEN,
    CarrierConfig,
    CarrierConfigError,
    Fault,
    FaultError,
    PeopleFileError,
    Rule,
    read_faults,
    read_people,
    serve,
)

_FAULT_HELP = (
    "Misbehave: NAME=RATE or NAME=RATE@SECONDS (real seconds), a rate from 0 to 1; repeatable. Names: "
    + ", ".join(Fault)
    + ". They can be changed while it runs: POST /control/faults."
)


Speed = Annotated[
    float,
    typer.Option(help="Compress simulated time (queue, ringing, talk) so many times. Durations stay uncompressed."),
]
People = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="YAML rules for how numbers behave; without them, a built-in mix of people."),
]
CallsPerSecond = Annotated[
    float,
    typer.Option(help="Calls dialed a (simulated) second; more are queued. 1 is Twilio's default for new accounts."),
]
AccountSid = Annotated[str, typer.Option(envvar="TWILIO_ACCOUNT_SID", help="The account clients must use.")]
AuthToken = Annotated[str, typer.Option(envvar="TWILIO_AUTH_TOKEN", help="Its token; also signs the webhooks.")]
Allow = Annotated[
    list[str] | None, typer.Option(metavar="+PREFIX", help="Callable prefixes, such as +1; repeatable; default: all.")
]
CallerIds = Annotated[
    list[str] | None,
    typer.Option(metavar="+NUMBER", help="Numbers the account owns; repeatable; default: any From is accepted."),
]
MostCalls = Annotated[int | None, typer.Option(help="Refuse (10004) above so many calls at once; default: no limit.")]
MostRequests = Annotated[
    int | None, typer.Option(help="Refuse (429) above so many API requests at once; default: no limit.")
]


def carrier(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; anything but loopback is refused.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 picks a free one and prints it.")] = DEFAULT_PORT,
    speed: Speed = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same people and the same faults.")] = 1,
    people: People = None,
    calls_per_second: CallsPerSecond = 1.0,
    account_sid: AccountSid = DEMO_ACCOUNT_SID,
    auth_token: AuthToken = DEMO_AUTH_TOKEN,
    fault: Annotated[list[str] | None, typer.Option(metavar="NAME=RATE", help=_FAULT_HELP)] = None,
    allow: Allow = None,
    caller_id: CallerIds = None,
    concurrent_calls: MostCalls = None,
    concurrent_requests: MostRequests = None,
) -> None:
    """Run a stand-in for Twilio on this machine: calls, conferences, TwiML, signed webhooks, and simulated people.

    Point the dialer at it with DIALER_TWILIO_API_URL. It says so when it accepts connections and stops on
    SIGTERM or Ctrl-C. What really happened: GET /control/calls and /control/conferences; counts: GET /control/stats.

    A rule in a people file: {number: "+1415*", answer: human, ring: [2, 8], keys: ["1", silence, hangup]}; or
    instead of answer, mix: {human: 3, busy: 1}; and keys may be weights, {"1": 0.7, silence: 0.3}. In a conference a
    human talks and may hang up, or leaves when nobody joins: talk: [20, 90], hangs_up_first: 0.7, patience: [20, 40].
    Agents pick up, press the key they are asked for and stay: {number: "sip:*", answer: agent, drops_off: 3600}; SIP
    addresses are agents by default.

    Example: dialer carrier --port 0 --speed 30 --calls-per-second 10 --fault duplicate=0.1 --fault late=0.05@20
    """
    try:
        config = CarrierConfig(
            host=host,
            port=port,
            speed=speed,
            seed=seed,
            calls_per_second=calls_per_second,
            account_sid=account_sid,
            auth_token=auth_token,
            people=_rules(people),
            faults=read_faults(fault or ()),
            allowed_prefixes=tuple(allow or ()),
            caller_ids=tuple(caller_id or ()),
            concurrent_calls=concurrent_calls,
            concurrent_requests=concurrent_requests,
        )
        serve(config, lambda url: _ready(url, config))
    except (CarrierConfigError, FaultError, PeopleFileError) as wrong:
        _refuse(str(wrong))
    except OSError as taken:
        _refuse(f"cannot listen on {host} port {port}: {taken.strerror or taken}; choose another with --port, or 0")


def _ready(url: str, config: CarrierConfig) -> None:
    typer.echo(f"listening on {url}")
    account = f"TWILIO_ACCOUNT_SID={config.account_sid} TWILIO_AUTH_TOKEN={shlex.quote(config.auth_token)}"
    typer.echo(f"point the dialer here: export DIALER_TWILIO_API_URL={url} {account}")


def _rules(path: Path | None) -> tuple[Rule, ...]:
    if path is None:
        return ()
    try:
        return read_people(path.read_text(encoding="utf-8"))
    except OSError as unreadable:
        raise PeopleFileError(f"{path}: {unreadable.strerror or unreadable}") from unreadable
    except UnicodeDecodeError as garbled:
        raise PeopleFileError(f"{path}: not UTF-8 text; save it as UTF-8") from garbled
    except PeopleFileError as wrong:
        raise PeopleFileError("\n".join(f"{path}: {line}" for line in str(wrong).splitlines())) from wrong


def _refuse(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(2)
