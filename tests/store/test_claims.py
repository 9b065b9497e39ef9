"""Several dialers claim from one queue at once, each with connections of its own: nothing is claimed twice."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING

import pytest

from dialer.core.outcome import Disposition
from dialer.core.record import CallbackState
from dialer.store import Store
from tests.campaigns import NOW, customer, house, number
from tests.store.steps import LEASE, MINUTE, check_books, conversation, enrol, no_answer, people, rows, start, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

DIALERS = 4


def fill(store: Store, many: int) -> None:
    """Two campaigns for people of whom every third has a number in common with the next."""
    start(store, "renewal")
    start(store, "survey")
    people(store, *[customer(f"C{one}", number(one - (one % 3 == 1)), number(500 + one)) for one in range(many)])
    enrol(store, "renewal")
    enrol(store, "survey")
    store.callbacks.turn(NOW)


def claim_all(url: str, owner: str, barrier: threading.Barrier | None = None, batch: int = 7) -> list[str]:
    """Claim until nothing is left, as one dialer."""
    store = Store.open(url, house())
    serial = count()
    tokens: list[str] = []
    if barrier is not None:
        barrier.wait(timeout=60)
    while True:
        new = store.callbacks.claim(batch, NOW, owner=owner, lease=LEASE, token=lambda: f"{owner}-{next(serial):05d}")
        tokens += new
        if not new:
            break
    store.close()
    return tokens


def check_claims(store: Store, claimed: Sequence[Sequence[str]]) -> None:
    every = [token for some in claimed for token in some]
    written = rows(store, "SELECT token, callback_id FROM attempt")
    assert sorted(every) == sorted(token for token, _ in written)
    assert len({callback for _, callback in written}) == len(written)
    check_books(store)


@pytest.mark.parametrize("many", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_threads_claim_nothing_twice(database_url: str, many: int) -> None:
    store = Store.open(database_url, house())
    fill(store, many)
    barrier = threading.Barrier(DIALERS)
    with ThreadPoolExecutor(DIALERS) as pool:
        claimed = list(pool.map(lambda n: claim_all(database_url, f"t{n}", barrier), range(DIALERS)))
    check_claims(store, claimed)
    counts = store.callbacks.counts()
    calling = sum(number for (_, state), number in counts.items() if state is CallbackState.CALLING)
    assert calling == len({to for (to,) in rows(store, "SELECT e164 FROM attempt")}) == many - (many + 1) // 3
    store.close()


DIALER = """
import sys
from tests.store.test_claims import claim_all
print("ready", flush=True)
sys.stdin.readline()
print(*claim_all(sys.argv[1], sys.argv[2]))
"""


@pytest.mark.slow
def test_processes_claim_nothing_twice(database_url: str) -> None:
    store = Store.open(database_url, house())
    fill(store, 240)
    processes = [
        subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-c", DIALER, database_url, f"p{one}"],
            cwd=Path(__file__).parents[2],
            stdin=PIPE,
            stdout=PIPE,
            text=True,
        )
        for one in range(DIALERS)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [process.communicate(timeout=60)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * DIALERS
    assert sum(map(len, claimed)) == 160
    check_claims(store, claimed)
    store.close()


@pytest.mark.slow
def test_everything_at_once_leaves_the_books_in_order(database_url: str) -> None:
    """Claims, events, imports, turns, opt-outs and withdrawals of a busy minute, from several threads."""
    store = Store.open(database_url, house())
    fill(store, 40)
    barrier = threading.Barrier(DIALERS)

    def work(one: int) -> None:
        own = Store.open(database_url, house())
        serial = count()
        barrier.wait(timeout=60)
        for turn in range(6):
            at = NOW + turn * MINUTE
            tokens = own.callbacks.claim(4, at, owner=f"w{one}", lease=LEASE, token=lambda: f"w{one}-{next(serial)}")
            briefings = own.attempts.commit(tokens, at)
            for place, briefing in enumerate(briefings):
                refused = Disposition.OPTED_OUT if place % 2 else Disposition.COMPLETED
                talk = no_answer(briefing.token, at) if one % 2 else conversation(briefing.token, refused, at)
                tell(own, *talk, at=at)
            if one == 0:
                people(own, *[customer(f"C{n}", number(n), salutation=f"New {turn}") for n in range(10)], at=at)
            if one == 1:
                own.callbacks.withdraw("renewal", [turn + 1, turn + 2], at)
            if one == 2:
                own.suppressions.add_customers([f"C{30 + turn}"], "person", at)
            own.callbacks.turn(at)
        own.close()

    with ThreadPoolExecutor(DIALERS) as pool:
        list(pool.map(work, range(DIALERS)))
    check_books(store)
    suppressed = {subject.partition(":")[2] for (subject,) in rows(store, "SELECT subject FROM suppression")}
    store.callbacks.turn(NOW + 10 * MINUTE)
    later = store.callbacks.claim(500, NOW + 10 * MINUTE, owner="x", lease=LEASE, token=lambda: f"x{next(numbers)}")
    last = {record.attempt: record for record in store.records.attempts()}
    assert not {last[token].customer for token in later} & suppressed
    store.close()


numbers = count()
