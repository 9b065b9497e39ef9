"""Log lines that machines can read and that never hold a whole telephone number."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

_NUMBER = re.compile(r"(?:(?<![\w-])|(?<=%2[Bb]))\+?\d{9,15}(?!\w)")
"""Long runs of digits that stand alone, or after a plus as addresses write it (%2B); tokens and the carrier's own ids
have letters beside their digits."""


def mask(text: str) -> str:
    """The text with every telephone number cut down to its last two digits."""
    return _NUMBER.sub(lambda found: "\N{BULLET}" * 6 + found[0][-2:], text)


def configure(log_format: str, level: str) -> None:
    """Send every log line of the process, libraries included, to standard error through one mask."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _masked,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("apscheduler", "twilio", "alembic", "aiohttp.access", "uvicorn.access"):
        # What these say at INFO is either numbers in URLs or a heartbeat.
        logging.getLogger(noisy).setLevel(logging.WARNING)
    # A beat that finds the one before it still at work is left out, as it should be; that is nothing to warn of.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _masked(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if key not in _OUR_OWN:
            line[key] = _without_numbers(value)
    return line


_OUR_OWN = frozenset({"timestamp", "_record", "_from_structlog"})


def _without_numbers(value: object) -> object:
    """The value with every text in it masked, however deep it stands."""
    match value:
        case str():
            return mask(value)
        case int() | float() | None:
            return value
        case Mapping():
            return {mask(str(key)): _without_numbers(one) for key, one in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_without_numbers(one) for one in value]
        case _:
            return mask(str(value))
