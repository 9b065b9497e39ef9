"""One measured figure: what it is, what was promised, what it is compared with, and under which conditions."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import time
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from dialer import bootstrap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PACKAGES = ("sqlalchemy", "psycopg", "aiohttp", "uvicorn", "fastapi", "twilio")


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and everything needed to judge it. `floor` and `ceiling` are what issue and README promise."""

    bench: str
    name: str
    value: float
    unit: str
    conditions: Mapping[str, Any]
    baseline: tuple[str, float] | None = None  # what was measured raw in the same run, in the same unit
    floor: float | None = None
    ceiling: float | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the promise is kept; None when nothing was promised."""
        if self.floor is None and self.ceiling is None:
            return None
        return (self.floor is None or self.value >= self.floor) and (self.ceiling is None or self.value <= self.ceiling)

    @property
    def ratio(self) -> float | None:
        """The figure by its baseline."""
        return None if self.baseline is None or not self.baseline[1] else self.value / self.baseline[1]

    def as_json(self) -> str:
        """One line."""
        told: dict[str, Any] = {
            "bench": self.bench,
            "figure": self.name,
            "value": _short(self.value),
            "unit": self.unit,
            "floor": self.floor,
            "ceiling": self.ceiling,
            "reached": self.reached,
            "baseline": None
            if self.baseline is None
            else {"what": self.baseline[0], "value": _short(self.baseline[1])},
            "ratio": None if self.ratio is None else _short(self.ratio),
            "beside": {name: _rounded(value) for name, value in self.beside.items()},
            "conditions": {**machine(), **load(), **self.conditions},
        }
        return json.dumps({name: value for name, value in told.items() if value not in (None, {})}, ensure_ascii=False)

    @property
    def sentence(self) -> str:
        """The figure for a reader."""
        parts = [f"{self.name}: {_short(self.value):,} {self.unit}"]
        if self.floor is not None:
            parts.append(f"at least {self.floor:,} promised: {'kept' if self.reached else 'MISSED'}")
        if self.ceiling is not None:
            parts.append(f"at most {self.ceiling:,} promised: {'kept' if self.reached else 'MISSED'}")
        if self.baseline is not None and self.ratio is not None:
            parts.append(f"{_short(self.ratio):,} times {self.baseline[0]} ({_short(self.baseline[1]):,})")
        return "; ".join(parts)


@cache
def machine() -> dict[str, Any]:
    """What the figures of this run were measured on."""
    return {
        "at": bootstrap.now().isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in PACKAGES},
    }


def load() -> dict[str, Any]:
    """How busy the machine was, this bench included: figures of a busy machine are worth less."""
    return {"load_average": [round(one, 2) for one in os.getloadavg()]}


def _cpu() -> str:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a device, not a file
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and seconds of this process's CPU that `work` takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _short(value: float) -> float:
    """Three significant digits say all that a measurement knows."""
    return int(value) if abs(value) >= 1000 else float(f"{value:.3g}")  # noqa: PLR2004 - the digits before the point


def _rounded(value: Any) -> Any:
    return _short(value) if isinstance(value, float) else value
