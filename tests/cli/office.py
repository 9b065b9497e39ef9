"""An office in which people use the command line: a folder, settings, a clock that stands still, customers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from dialer import bootstrap, cli, settings
from tests.campaigns import document

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from typer.testing import Result

CUSTOMERS = """\
reference,name,phone,region,zone,quiet hours,do not call
london,Ann,+44 20 7946 0001,GB,,,
tokyo,Ken,+81 90 1234 5678,JP,,,
newyork,Joe,+1 212 555 0123,US-NY,,12:30-13:30,
nowhere,Sat,+870 773 111 632,,,,
never,Max,+44 20 7946 0002,GB,,,yes
[b]odd[/c],Odd [/red],+44 20 7946 0003,GB,,,
"""

CARRIER = {
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "a token for tests",
    "DIALER_PUBLIC_URL": "http://127.0.0.1:1",
    "DIALER_CALLER_ID": "+442079460000",
    "DIALER_ALLOWED_COUNTRIES": "GB,JP,US",
}


@dataclass
class Office:
    """What a person has in front of them, and what happens when they type."""

    folder: Path
    patch: pytest.MonkeyPatch
    given: dict[str, str] = field(default_factory=lambda: {"DIALER_ALLOWED_COUNTRIES": "GB,JP,US"})

    def set(self, **names: str) -> None:
        """Change settings; they hold for the commands that follow."""
        self.given |= names
        found = settings.load(self.given, None)
        self.patch.setattr(bootstrap, "settings", lambda: found)

    def clock(self, at: datetime) -> None:
        """Set the clock that commands read."""
        self.patch.setattr(bootstrap, "now", lambda: at)

    def run(self, *arguments: str) -> Result:
        """Type a command. What the program's one place for errors would say is raised."""
        result = CliRunner(env={"COLUMNS": "80"}).invoke(cli.build(arguments[0]), arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        """The objects that a command prints with --json."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def campaign(self, name: str = "survey", **changes: Any) -> Path:
        """A campaign file; JSON is YAML."""
        file = self.folder / "campaigns" / f"{name}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(document(name, **changes), default=str), encoding="utf-8")
        return file

    def customers(self, text: str = CUSTOMERS) -> None:
        """Import a customer file."""
        (self.folder / "customers.csv").write_text(text, encoding="utf-8")
        self.run("customers", "import", "customers.csv")


def instant(text: str) -> datetime:
    """An instant as --json prints it: in UTC, and saying so."""
    assert text.endswith("Z"), f"{text} does not say that it is UTC"
    return datetime.fromisoformat(text).astimezone(UTC)
