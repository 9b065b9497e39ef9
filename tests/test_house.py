"""The rules of the house that no linter keeps: what files say first, how long they are, and what they never mention."""

from __future__ import annotations

import ast
import re
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pytest_socket import SocketConnectBlockedError

ROOT = Path(__file__).parents[1]
SCRIPTS = [ROOT / ".ci" / "run", *sorted((ROOT / "scripts").iterdir())]
MODULES = sorted((ROOT / "dialer").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "base", "manager", "managers", "handler", "handlers"}
MACHINE_PATHS = [b"/" + folder + b"/" for folder in (b"work", b"root")]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files_of_the_repository() -> list[Path]:
    """What is or would be committed."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(  # noqa: S603 - no part of the command comes from outside
        command, cwd=ROOT, capture_output=True, check=False
    )
    assert listed.returncode == 0, f"git cannot list the repository's files: {listed.stderr.decode()}"
    files = {ROOT / entry for entry in listed.stdout.decode().split("\0") if entry}
    return sorted(file for file in files if file.is_file())


def test_readme_is_a_page_and_not_a_book() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 260


@pytest.mark.parametrize("script", [script for script in SCRIPTS if script.is_file()], ids=name)
def test_script_says_what_it_does_and_can_be_run(script: Path) -> None:
    lines = script.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#!/usr/bin/env "), "it does not say what runs it"
    first = lines[1] + lines[2]
    assert re.match(r'(# |""")[A-Z].{15,}', first), "its second line is no sentence about what it does"
    assert script.stat().st_mode & 0o111 == 0o111, f"chmod +x {name(script)}"
    if lines[0].endswith("bash"):
        assert "set -euo pipefail" in lines, "it goes on after a failure"
        assert 'cd "$(dirname "$0")/.."' in lines, "it works only when called from the root of the repository"


def test_no_file_mentions_the_machine_it_was_written_on() -> None:
    files = files_of_the_repository()
    assert ROOT / "pyproject.toml" in files
    found = [name(file) for file in files if any(path in file.read_bytes() for path in MACHINE_PATHS)]
    assert not found, "\n".join(found)


def test_module_starts_by_saying_why_it_exists() -> None:
    silent = [name(path) for path in MODULES + TESTS if not ast.get_docstring(ast.parse(path.read_bytes(), name(path)))]
    assert not silent, "\n".join(silent)


def test_modules_are_short() -> None:
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: lines for path, lines in lengths.items() if lines > 450} == {}


def test_functions_are_short() -> None:
    long = []
    for path in MODULES:
        if path.parent.name == "versions":
            continue  # a migration lists whole tables
        for node in ast.walk(ast.parse(path.read_bytes(), name(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                long += [f"{name(path)}:{node.lineno} {node.name} has {lines} lines"] if lines > 60 else []
    assert not long, "\n".join(long)


def test_names_of_modules_and_folders_say_something() -> None:
    words = {
        name(path): set(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "_").split("_"))
        for path in MODULES + TESTS
    }
    assert {path: found for path, all_words in words.items() if (found := all_words & SAYS_NOTHING)} == {}


def test_exceptions_from_lint_give_their_reason() -> None:
    bare = re.compile(r"#\s*noqa(:\s*[A-Z]+[0-9]+(,\s*[A-Z]+[0-9]+)*)?\s*$")
    found = [
        f"{name(path)}:{number}"
        for path in MODULES + TESTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if bare.search(line)
    ]
    assert not found, "write why after the code, `# noqa: X123 - because`:\n" + "\n".join(found)


def test_lock_holds_every_direct_dependency_in_a_version_that_pyproject_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock(), re.MULTILINE))
    wrong = []
    for requirement in map(Requirement, asked):
        version = locked.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement}: locked is {version}")
    assert not wrong, "\n".join(wrong)


def test_lock_names_each_file_by_its_hash_and_no_place_to_fetch_it_from() -> None:
    entries = re.split(r"\n(?=\S)", lock().strip())
    assert [entry.splitlines()[0] for entry in entries if not entry.startswith("#") and "--hash=" not in entry] == []
    assert not re.search(r"index-url|find-links|://", lock())


def lock() -> str:
    return (ROOT / "requirements.lock").read_text(encoding="utf-8")


# 192.0.2.0/24 and 2001:db8::/32 are set aside for documentation: nobody is there (RFC 5737, RFC 3849).
@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")])
def test_tests_cannot_reach_other_machines(family: socket.AddressFamily, host: str) -> None:
    with (
        socket.socket(family) as door,
        pytest.warns(UserWarning, match="A test tried"),
        pytest.raises(SocketConnectBlockedError),
    ):
        door.connect((host, 443))


def test_tests_can_reach_their_own_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass
