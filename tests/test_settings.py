"""Settings are read from the environment and .env, and everything wrong with them is named at once, without secrets."""

from __future__ import annotations

import itertools
import re
import shutil
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from dialer.core.hours import DailyRange
from dialer.errors import Problem, SettingsError
from dialer.settings import NAMES, Settings, load

EXAMPLE = Path(__file__).parents[1] / ".env.example"
SECRET = "hush5e1f0c"
CARRIER = {
    "TWILIO_ACCOUNT_SID": "AC" + "0123456789abcdef" * 2,
    "TWILIO_AUTH_TOKEN": SECRET,
    "DIALER_PUBLIC_URL": "https://calls.example.com/dialer/",
    "DIALER_CALLER_ID": "+14155550100",
    "DIALER_HOME_REGION": "us",
}


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.touch(mode=0o600)
    return path


def problems(environ: dict[str, str], env_file: Path | None = None) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        load(environ, env_file)
    assert SECRET not in str(caught.value)
    return caught.value.problems


def test_nothing_at_all_is_enough_for_commands_that_do_not_call() -> None:
    settings = load({}, None)
    assert settings == Settings()
    assert settings.database_url == "sqlite:///dialer.db"
    assert settings.house_window == (DailyRange(8 * 60, 21 * 60),)
    assert settings.minimum_spacing == timedelta(hours=4)
    assert settings.allowed_countries == frozenset()


def test_all_that_calling_needs_is_named_together() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"DIALER_CALLER_ID": "+14155550100"}, None).require_carrier()
    assert [problem.where for problem in caught.value.problems] == [
        "TWILIO_ACCOUNT_SID",
        "TWILIO_AUTH_TOKEN",
        "DIALER_PUBLIC_URL",
        "DIALER_ALLOWED_COUNTRIES",
    ]
    assert all(problem.mend for problem in caught.value.problems)
    assert caught.value.exit_code == 2


def test_a_whole_set_of_settings_is_read() -> None:
    settings = load(
        CARRIER
        | {
            "DIALER_ALLOWED_COUNTRIES": "US, ca,",
            "DIALER_HOUSE_WINDOW": "08:00-12:00, 14:00-20:30",
            "DIALER_HOUSE_ZONE": "America/New_York",
            "DIALER_CALLS_PER_SECOND": "0.5",
            "DIALER_LOG_LEVEL": "WARNING",
            "DIALER_CUSTOMER_SYNC": "sync.yaml",
            "DIALER_RULES": "rules",
            "DIALER_HOLIDAYS": "notices",
        },
        None,
    )
    settings.require_carrier()
    assert settings.auth_token.get_secret_value() == SECRET
    assert settings.public_url == "https://calls.example.com/dialer"
    assert settings.home_region == "US"
    assert settings.allowed_countries == {"US", "CA"}
    assert settings.house_window == (DailyRange.parse("08:00-12:00"), DailyRange.parse("14:00-20:30"))
    assert settings.house_zone == ZoneInfo("America/New_York")
    assert settings.calls_per_second == 0.5
    assert settings.log_level == "warning"
    assert settings.customer_sync == Path("sync.yaml")
    assert (settings.rules, settings.holidays) == (Path("rules"), Path("notices"))


def test_without_a_list_of_countries_only_the_home_region_is_called() -> None:
    assert load({"DIALER_HOME_REGION": "DE"}, None).allowed_countries == {"DE"}


def test_everything_wrong_is_named_at_once_with_its_place_and_how_to_mend_it(env_file: Path) -> None:
    env_file.write_text("# mine\n\nDIALER_PORT=80a\nDIALER_HOME_REGION=Atlantis\n", encoding="utf-8")
    found = problems({"DIALER_LOG_FORMAT": "xml", "DIALER_PRT": "8080"}, env_file)
    assert {problem.where for problem in found} == {
        f"{env_file}:3 DIALER_PORT",
        f"{env_file}:4 DIALER_HOME_REGION",
        "environment DIALER_LOG_FORMAT",
        "environment DIALER_PRT",
    }
    assert all(problem.mend for problem in found)
    assert '"80a"' in str(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TWILIO_ACCOUNT_SID", "SK" + "0" * 32),
        ("TWILIO_ACCOUNT_SID", SECRET),
        ("DIALER_TWILIO_API_URL", "http://api.example.com"),
        ("DIALER_TWILIO_API_URL", "http://127.0.0.1:99999"),
        ("DIALER_PUBLIC_URL", "calls.example.com"),
        ("DIALER_PUBLIC_URL", "http://calls.example.com"),
        ("DIALER_PUBLIC_URL", "http://localhost.example.com"),
        ("DIALER_PUBLIC_URL", "https://calls.example.com/?a=1"),
        ("DIALER_PUBLIC_URL", "https://calls.example.com?"),
        ("DIALER_PUBLIC_URL", f"https://me:{SECRET}@calls.example.com"),
        ("DIALER_PUBLIC_URL", "https://[::1"),
        ("DIALER_PUBLIC_URL", "https://"),
        ("DIALER_DATABASE_URL", f"mysql://me:{SECRET}@host/dialer"),
        ("DIALER_DATABASE_URL", f"postgresql+psycopg2://me:{SECRET}@host/dialer"),
        ("DIALER_DATABASE_URL", f"postgresql://me:{SECRET}@host"),
        ("DIALER_DATABASE_URL", "sqlite://"),
        ("DIALER_DATABASE_URL", "sqlite:///:memory:"),
        ("DIALER_DATABASE_URL", "dialer.db"),
        ("DIALER_CALLER_ID", "4155550100"),
        ("DIALER_CALLER_ID", "+1 415 555 0100"),
        ("DIALER_CALLER_ID", "+1415555010１"),
        ("DIALER_CALLS_PER_SECOND", "0"),
        ("DIALER_CALLS_PER_SECOND", "nan"),
        ("DIALER_CALLS_PER_SECOND", "inf"),
        ("DIALER_MAX_CONCURRENT_CALLS", "0"),
        ("DIALER_MAX_CONCURRENT_CALLS", "1.5"),
        ("DIALER_ALLOWED_COUNTRIES", "US,XX"),
        ("DIALER_ALLOWED_COUNTRIES", "US CA"),
        ("DIALER_HOME_REGION", "USA"),
        ("DIALER_HOUSE_WINDOW", "8-9"),
        ("DIALER_HOUSE_WINDOW", "08:00-12:00,"),
        ("DIALER_HOUSE_ZONE", "Mars/Base"),
        ("DIALER_HOUSE_ZONE", "../zone"),
        ("DIALER_MINIMUM_SPACING", "4"),
        ("DIALER_MINIMUM_SPACING", "hours"),
        ("DIALER_MINIMUM_SPACING", "4 hours 30"),
        ("DIALER_MINIMUM_SPACING", "-4 hours"),
        ("DIALER_MINIMUM_SPACING", "0 minutes"),
        ("DIALER_MINIMUM_SPACING", "4 fortnights"),
        ("DIALER_MINIMUM_SPACING", "9" * 400 + " days"),
        ("DIALER_PORT", "65536"),
        ("DIALER_SESSION_IDLE", "12"),
        ("DIALER_SESSION_LONGEST", "0 days"),
        ("DIALER_LOG_LEVEL", "chatty"),
        ("DIALER_TELEPHONY", "two words"),
    ],
)
def test_wrong_value_is_refused(name: str, value: str) -> None:
    (found,) = problems({name: value})
    assert found.where == f"environment {name}"
    assert found.mend.startswith("expected ")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("20 minutes", timedelta(minutes=20)),
        ("1 minute", timedelta(minutes=1)),
        ("4 h", timedelta(hours=4)),
        ("30 min", timedelta(minutes=30)),
        ("2 Days", timedelta(days=2)),
        ("90 s", timedelta(seconds=90)),
    ],
)
def test_lengths_of_time_carry_their_unit(written: str, meant: timedelta) -> None:
    assert load({"DIALER_MINIMUM_SPACING": written}, None).minimum_spacing == meant


@pytest.mark.parametrize("start", ["postgresql://", "postgres://", "postgresql+psycopg://"])
def test_postgresql_means_psycopg_however_it_is_written(start: str) -> None:
    settings = load({"DIALER_DATABASE_URL": f"{start}me:pw@/calls?host=/run/pg"}, None)
    assert settings.database_url == "postgresql+psycopg://me:pw@/calls?host=/run/pg"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_plain_http_is_for_this_machine_itself(host: str) -> None:
    assert load({"DIALER_PUBLIC_URL": f"http://{host}:8080"}, None).public_url == f"http://{host}:8080"


def test_misspelt_name_is_a_mistake_and_not_a_silent_default() -> None:
    (found,) = problems({"DIALER_HOUSE_WINDOWS": "09:00-18:00"})
    assert found.mend == "did you mean DIALER_HOUSE_WINDOW?"
    (found,) = problems({"dialer_port": "1"})
    assert found.mend == "did you mean DIALER_PORT?"
    assert load({"TWILIO_REGION": "ie1", "PATH": "/bin"}, None) == Settings()


def test_environment_wins_over_the_file_and_can_undo_it(env_file: Path) -> None:
    env_file.write_text("DIALER_PORT=1\nDIALER_HOST=localhost\nDIALER_LOG_FORMAT=json\n", encoding="utf-8")
    settings = load({"DIALER_PORT": "2", "DIALER_HOST": ""}, env_file)
    assert (settings.port, settings.host, settings.log_format) == (2, "127.0.0.1", "json")


def test_process_environment_is_read_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALER_PORT", "4711")
    assert load(env_file=None).port == 4711
    assert Settings().port == 8080


def test_file_that_is_not_there_is_no_mistake(tmp_path: Path) -> None:
    assert load({}, tmp_path / ".env") == Settings()


def test_file_with_a_byte_order_mark_and_quotes_is_read(env_file: Path) -> None:
    env_file.write_text("DIALER_PORT='7'\r\nexport DIALER_MINIMUM_SPACING=\"2 hours\" # two\r\n", encoding="utf-8-sig")
    settings = load({}, env_file)
    assert (settings.port, settings.minimum_spacing) == (7, timedelta(hours=2))


@pytest.mark.parametrize("line", [f'TWILIO_AUTH_TOKEN="{SECRET}', "DIALER_PORT", "= 3"])
def test_broken_line_of_the_file_is_named_and_not_skipped(env_file: Path, line: str) -> None:
    env_file.write_text(f"DIALER_HOST=localhost\n{line}\n", encoding="utf-8")
    (found,) = problems({}, env_file)
    assert found.where == f"{env_file}:2"


def test_file_that_cannot_be_read_is_named(env_file: Path, tmp_path: Path) -> None:
    env_file.write_bytes("DIALER_CALLER_ID=电话".encode("gb18030"))
    assert problems({}, env_file)[0].where == str(env_file)
    assert problems({}, tmp_path)[0].what == "cannot be read"


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_file_that_others_may_change_is_refused(env_file: Path, mode: int) -> None:
    env_file.chmod(mode)
    (found,) = problems({}, env_file)
    assert found.mend == f"chmod 600 {env_file}"


def test_secrets_are_not_shown() -> None:
    settings = load(CARRIER | {"DIALER_DATABASE_URL": f"postgresql://me:{SECRET}@host/calls"}, None)
    assert SECRET not in repr(settings) + str(settings)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc] # the point of the test


def test_example_file_names_every_setting_with_its_default_and_a_sentence(env_file: Path) -> None:
    shutil.copyfile(EXAMPLE, env_file)
    assert load({}, env_file) == Settings()
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    named = [line.partition("=")[0] for line in lines if re.match(r"[A-Z]", line)]
    assert sorted(named) == sorted(NAMES)
    for before, line in itertools.pairwise(lines):
        assert not re.match(r"[A-Z]", line) or before.startswith("# "), f"{line} has no sentence above it"
