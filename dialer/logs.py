"""Log lines that machines can read and that never hold a whole telephone number."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Any

_NUMBER = re.compile(r"(?<![\w-])\+?[1-9]\d{8,14}(?!\w)")
"""Long runs of digits that stand alone; tokens and the carrier's own ids have letters beside their digits."""


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
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def _masked(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in line.items():
        if isinstance(value, str) and key != "timestamp":
            line[key] = mask(value)
    return line
