"""Settings: what one installation is told from outside, checked whole before anything starts."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv.parser import parse_stream
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, DotEnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from dialer.core.caps import After, CoolOff, Per
from dialer.core.document import parse_duration
from dialer.core.hours import DailyRange
from dialer.errors import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dotenv.parser import Original

_POSTGRESQL = "postgresql+psycopg://"
_POSTGRESQL_AS_WRITTEN = ("postgresql://", "postgres://", _POSTGRESQL)

_NEVER_QUOTED = {
    "TWILIO_ACCOUNT_SID",  # people paste the token here
    "TWILIO_AUTH_TOKEN",
    "DIALER_DATABASE_URL",
    "DIALER_TWILIO_API_URL",
    "DIALER_PUBLIC_URL",
}


def _duration(value: object) -> object:
    """A length of time with its unit, as campaign files write it."""
    return parse_duration(value) if isinstance(value, str) else value


def _more_than_nothing(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("this is no time at all")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _web_address(value: str) -> str:
    """A base address that secrets travel to: encrypted, unless it never leaves this machine."""
    if not value:
        return value
    parts = urlsplit(value)
    _ = parts.port  # raises ValueError when it is none
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("this is not a web address")
    if "@" in parts.netloc:
        raise ValueError("a user name or password does not belong into this address")
    if re.search(r"[?#\s]", value):
        raise ValueError("the address must end before any ?, # or space")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("plain http would carry secrets in the open")
    return value.rstrip("/")


def _database(value: str) -> str:
    """SQLite in a file, or PostgreSQL through psycopg 3 however it was written."""
    if value.startswith("sqlite:///") and value != "sqlite:///" and ":memory:" not in value:
        return value
    for start in _POSTGRESQL_AS_WRITTEN:
        if value.startswith(start):
            if len(urlsplit(value).path) < len("/x"):
                raise ValueError("the name of the database is missing after the host")
            return _POSTGRESQL + value.removeprefix(start)
    raise ValueError("this is neither a SQLite file nor a PostgreSQL database")


def _country(value: str) -> str:
    code = value.strip().upper()
    if code and code not in SUPPORTED_REGIONS:
        hint = ", did you mean GB?" if code == "UK" else ""
        raise ValueError(f'"{value.strip()}" is not the code of a country{hint}')
    return code


def _countries(value: object) -> object:
    if not isinstance(value, str):
        return value
    return frozenset(_country(code) for code in value.split(",") if code.strip())


def _daily_ranges(value: object) -> object:
    return tuple(DailyRange.parse(part) for part in value.split(",")) if isinstance(value, str) else value


def _floors(value: object) -> object:
    """`busy 10 minutes, no_answer 30 minutes`: how long a number is left alone at least, by how a call to it ended."""
    if not isinstance(value, str):
        return value
    parts = (part.strip().partition(" ") for part in value.split(","))
    return tuple(CoolOff.model_validate({"after": name, "wait": wait, "per": "number"}) for name, _, wait in parts)


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), AfterValidator(_more_than_nothing)]
WebAddress = Annotated[str, AfterValidator(_web_address)]


class Settings(BaseSettings):
    """Everything that is decided outside this program and outside campaign files.

    Each field's alias is the name in the environment and in `.env`, its description what a right value looks like.
    Built by `load`; built directly, it reads nothing but its arguments.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        case_sensitive=True,
        validate_by_name=True,
        validate_default=False,
        hide_input_in_errors=True,
    )

    telephony: Annotated[str, BeforeValidator(_lower)] = Field(
        "twilio", alias="DIALER_TELEPHONY", pattern="^[a-z][a-z0-9_]*$", description="the name of a carrier: twilio"
    )
    account_sid: str = Field(
        "",
        alias="TWILIO_ACCOUNT_SID",
        pattern="^AC[0-9a-f]{32}$",
        description="AC and 32 hexadecimal digits, from the first page of the Twilio console (not an API key, SK...)",
    )
    auth_token: SecretStr = Field(
        SecretStr(""), alias="TWILIO_AUTH_TOKEN", description="the token shown beside the account's SID"
    )
    twilio_api_url: WebAddress = Field(
        "", alias="DIALER_TWILIO_API_URL", description="an address like http://127.0.0.1:8090, or nothing for Twilio"
    )
    public_url: WebAddress = Field(
        "",
        alias="DIALER_PUBLIC_URL",
        description="the https address at which the carrier reaches this program, like https://calls.example.com",
    )
    caller_id: str = Field(
        "",
        alias="DIALER_CALLER_ID",
        pattern="^[+][1-9][0-9]{6,14}$",
        description="the number calls are made from, in E.164, like +14155550100",
    )
    calls_per_second: float = Field(
        1.0,
        alias="DIALER_CALLS_PER_SECOND",
        gt=0,
        allow_inf_nan=False,
        description="how many calls a second the carrier's account allows, like 1 or 0.5",
    )
    max_concurrent_calls: int = Field(
        10, alias="DIALER_MAX_CONCURRENT_CALLS", ge=1, description="a whole number of at least 1"
    )
    home_region: Annotated[str, AfterValidator(_country)] = Field(
        "", alias="DIALER_HOME_REGION", description="a two-letter country code (ISO 3166), like US"
    )
    allowed_countries: Annotated[frozenset[str], BeforeValidator(_countries)] = Field(
        default_factory=lambda earlier: frozenset({earlier.get("home_region", "")} - {""}),
        alias="DIALER_ALLOWED_COUNTRIES",
        description="two-letter country codes (ISO 3166) with commas between them, like US,CA",
    )
    house_window: Annotated[tuple[DailyRange, ...], BeforeValidator(_daily_ranges)] = Field(
        (DailyRange(8 * 60, 21 * 60),),
        alias="DIALER_HOUSE_WINDOW",
        description="ranges of the day with commas between them, like 08:00-12:00,14:00-21:00",
    )
    house_zone: ZoneInfo = Field(
        ZoneInfo("UTC"), alias="DIALER_HOUSE_ZONE", description="a time zone of the IANA list, like Europe/Berlin"
    )
    minimum_spacing: Duration = Field(
        timedelta(hours=4), alias="DIALER_MINIMUM_SPACING", description="a length of time with its unit, like 4 hours"
    )
    floors: Annotated[tuple[CoolOff, ...], BeforeValidator(_floors)] = Field(
        (
            CoolOff(after=After.BUSY, wait=timedelta(minutes=10), per=(Per.NUMBER,)),
            CoolOff(after=After.NO_ANSWER, wait=timedelta(minutes=30), per=(Per.NUMBER,)),
        ),
        alias="DIALER_FLOORS",
        description="outcomes with a length of time, with commas between them, like busy 10 minutes, no_answer 1 hour",
    )
    vip_share: float = Field(
        0.2,
        alias="DIALER_VIP_SHARE",
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="the share of the lines that is kept for VIPs while any of them waits, from 0 to 1, like 0.2",
    )
    duty_person: str = Field(
        "",
        alias="DIALER_DUTY_PERSON",
        description="the name of who gets the tasks that no agent and no campaign is named for",
    )
    enrol_every: Duration = Field(
        timedelta(minutes=5), alias="DIALER_ENROL_EVERY", description="a length of time with its unit, like 5 minutes"
    )
    campaigns: Path = Field(Path("campaigns"), alias="DIALER_CAMPAIGNS", description="a folder")
    rules: Path | None = Field(None, alias="DIALER_RULES", description="a folder of preset files")
    holidays: Path | None = Field(
        None, alias="DIALER_HOLIDAYS", description="a folder of holiday notices, such as CN-2027.csv"
    )
    customer_sync: Path | None = Field(None, alias="DIALER_CUSTOMER_SYNC", description="a mapping file")
    customer_sync_every: Duration = Field(
        timedelta(hours=1),
        alias="DIALER_CUSTOMER_SYNC_EVERY",
        description="a length of time with its unit, like 1 hour",
    )
    database_url: Annotated[str, AfterValidator(_database)] = Field(
        "sqlite:///dialer.db",
        alias="DIALER_DATABASE_URL",
        repr=False,
        description="sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    lease: Duration = Field(
        timedelta(seconds=60), alias="DIALER_LEASE", description="a length of time with its unit, like 60 seconds"
    )
    listing_lag: Duration = Field(
        timedelta(seconds=60), alias="DIALER_LISTING_LAG", description="a length of time with its unit, like 60 seconds"
    )
    silence: Duration = Field(
        timedelta(minutes=7), alias="DIALER_SILENCE", description="a length of time with its unit, like 7 minutes"
    )
    host: str = Field("127.0.0.1", alias="DIALER_HOST", description="an address of this machine, like 127.0.0.1")
    port: int = Field(
        8080, alias="DIALER_PORT", ge=0, le=65535, description="a port from 1 to 65535, or 0 for any that is free"
    )
    session_idle: Duration = Field(
        timedelta(hours=12),
        alias="DIALER_SESSION_IDLE",
        description="a length of time with its unit, like 12 hours",
    )
    session_longest: Duration = Field(
        timedelta(days=7), alias="DIALER_SESSION_LONGEST", description="a length of time with its unit, like 7 days"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(_lower)] = Field(
        "console", alias="DIALER_LOG_FORMAT", description="console or json"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        "info", alias="DIALER_LOG_LEVEL", description="debug, info, warning or error"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - given to every implementation
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only `load` reads the environment: it knows which line of which file is wrong."""
        return (init_settings,)

    def require_carrier(self) -> None:
        """Name everything that is missing for placing calls, together.

        Raises:
            SettingsError: calls cannot be placed with these settings.
        """
        needed = ("account_sid", "auth_token", "public_url", "caller_id", "allowed_countries")
        fields = [type(self).model_fields[name] for name in needed if not getattr(self, name)]
        if fields:
            what = "needed to place calls, but not set"
            raise SettingsError([Problem(str(f.alias), what, f"expected {f.description}") for f in fields])


NAMES = tuple(str(field.alias) for field in Settings.model_fields.values())
"""Every setting's name in the environment."""


def load(environ: Mapping[str, str] | None = None, env_file: Path | None = Path(".env")) -> Settings:
    """The settings from `environ` (by default the process's own) and, for what is not set there, from `env_file`.

    An empty value counts as not set; set to nothing in the environment, a setting of the file is undone. A file that
    is not there is no mistake.

    Raises:
        SettingsError: some are wrong, misspelt or cannot be read; every one is named. None of their secrets is.
    """
    given = dict(os.environ if environ is None else environ)
    places = dict.fromkeys(given, "environment")
    if env_file is not None and env_file.exists():
        lines, values = _read(env_file)
        places = {name: f"{env_file}:{line}" for name, line in lines.items()} | places
        given = values | given
    known = {name: given[name].strip() for name in NAMES if given.get(name, "").strip()}
    problems = [_misspelt(name, places[name]) for name in given if _is_misspelt(name)]
    try:
        settings = Settings(**known)  # type: ignore[arg-type] # all are text; the fields read it
    except ValidationError as error:
        raise SettingsError([*problems, *_explain(error, known, places)]) from None  # its text may hold secrets
    if problems:
        raise SettingsError(problems)
    return settings


def _read(env_file: Path) -> tuple[dict[str, int], dict[str, str]]:
    """The line of each name in an env file, and its value."""
    where = str(env_file)
    try:
        mode = env_file.stat().st_mode
        with env_file.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([Problem(where, "cannot be read", f"expected a text file in UTF-8: {error}")]) from error
    if os.name == "posix" and mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise SettingsError([Problem(where, "can be changed by other users of this machine", f"chmod 600 {where}")])
    broken = [
        Problem(f"{where}:{_line(binding.original)}", "cannot be understood", 'expected NAME=value or NAME="value"')
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    if broken:
        raise SettingsError(broken)
    values = DotEnvSettingsSource(Settings, env_file, env_file_encoding="utf-8-sig").env_vars
    lines = {binding.key: _line(binding.original) for binding in bindings if binding.key is not None}
    return lines, {name: value or "" for name, value in values.items()}


def _line(original: Original) -> int:
    """Where an entry stands; the parser counts the empty lines before it to the entry."""
    before = original.string[: len(original.string) - len(original.string.lstrip())]
    return original.line + before.count("\n")


def _is_misspelt(name: str) -> bool:
    return name.upper().startswith("DIALER_") and name not in NAMES


def _misspelt(name: str, place: str) -> Problem:
    close = difflib.get_close_matches(name.upper(), NAMES, n=1)
    mend = f"did you mean {close[0]}?" if close else ".env.example lists every setting"
    return Problem(f"{place} {name}", "there is no such setting", mend)


def _explain(error: ValidationError, given: Mapping[str, str], places: Mapping[str, str]) -> list[Problem]:
    fields = {str(field.alias): field for field in Settings.model_fields.values()}
    problems = []
    for detail in error.errors():
        name = str(detail["loc"][0])
        if name not in given:
            continue  # a default that could not be worked out because something else is wrong
        reason = detail.get("ctx", {}).get("error")
        quoted = "this" if name in _NEVER_QUOTED else f'"{given[name]}"'
        what = str(reason) if reason else f"{quoted} is not a right value"
        problems.append(Problem(f"{places[name]} {name}", what, f"expected {fields[name].description}"))
    return problems
