"""Passwords: which are taken, what is kept of them, and what a wrong one tells."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher

from dialer.core.agent import Agent
from dialer.engine.passwords import LONGEST, SHORTEST, Passwords, flaw, one_time
from dialer.engine.roster import Flaw

LI = Agent("2001", "Li Na 王小明")
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.mark.parametrize(
    ("password", "wrong"),
    [
        ("a" * (SHORTEST - 1), Flaw.PASSWORD_SHORT),
        ("x1" * LONGEST, Flaw.PASSWORD_LONG),
        ("aaaaaaaaaaaa", Flaw.PASSWORD_OBVIOUS),
        ("abcabcabcabc", Flaw.PASSWORD_OBVIOUS),
        ("my number 2001", Flaw.PASSWORD_OBVIOUS),
        ("密码王小明的密码很长很长", Flaw.PASSWORD_OBVIOUS),
        ("correct horse battery", None),
        ("linen and lino, nailed", None),  # names of two letters are in half of all words
        ("春眠不觉晓处处闻啼鸟夜来", None),
    ],
)
def test_length_counts_and_nothing_that_others_know(password: str, wrong: Flaw | None) -> None:
    assert flaw(password, LI) is wrong


def test_one_password_is_told_from_another_and_none_is_never_right() -> None:
    kept = CHEAP.hash("correct horse")
    assert "correct" not in kept
    assert kept != CHEAP.hash("correct horse")
    assert CHEAP.verify(kept, "correct horse")
    assert not CHEAP.verify(kept, "correct horses")
    assert not CHEAP.verify("", "")
    assert not CHEAP.verify("no hash at all", "x")
    assert not CHEAP.is_outdated(kept)
    assert Passwords().is_outdated(kept)


def test_a_made_password_is_good_read_aloud_and_never_the_same() -> None:
    made = {one_time() for _ in range(100)}
    assert len(made) == 100
    for one in made:
        assert re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}", one)
        assert flaw(one, LI) is None
