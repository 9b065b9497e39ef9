"""Who may do what: the grants as a table, so that a change of them is a change of this page."""

from __future__ import annotations

import pytest

from dialer.core.access import GRANTS, Permission, may
from dialer.core.agent import Role

TABLE = """
               agent  team_lead  manager  operator
account        x      x          x        x
work           x      x          x        .
board          .      x          x        x
customers      .      x          x        .
show_number    .      x          x        .
why            .      x          x        .
campaigns      .      x          x        x
run_campaigns  .      x          x        x
reports        .      x          x        .
people         .      x          x        .
edit_people    .      .          x        .
help_agents    .      x          x        .
audit          .      .          x        .
"""
HEADING, *LINES = (line.split() for line in TABLE.strip().splitlines())


def test_the_table_names_every_permission_and_every_role() -> None:
    assert {line[0] for line in LINES} == {*Permission}
    assert set(HEADING) == {*Role} == {*GRANTS}


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[0])
def test_grants_are_those_of_the_table(line: list[str]) -> None:
    permission, *marks = line
    for role, mark in zip(HEADING, marks, strict=True):
        assert may(Role(role), Permission(permission)) is (mark == "x"), role
