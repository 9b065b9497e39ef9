"""Where an agent goes from each state by each move, against a model that knows nothing of the table."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dialer.core.agent import TRANSITIONS, WITH_TELEPHONE, Agent, AgentState, Move, Presence, move
from tests.campaigns import NOW

S, M = AgentState, Move
LATER = NOW + timedelta(minutes=1)
IN_HAND = {S.RESERVED, S.ON_CALL, S.WRAP_UP}

EXPECTED: dict[tuple[AgentState, Move], AgentState] = {
    (S.OFFLINE, M.SIGN_IN): S.PAUSED,
    (S.PAUSED, M.GET_READY): S.READY,
    (S.PAUSED, M.SIGN_OUT): S.OFFLINE,
    (S.PAUSED, M.PAUSE): S.PAUSED,
    (S.PAUSED, M.CONNECT): S.ON_CALL,
    (S.READY, M.PAUSE): S.PAUSED,
    (S.READY, M.SIGN_OUT): S.OFFLINE,
    (S.READY, M.RESERVE): S.RESERVED,
    (S.READY, M.CONNECT): S.ON_CALL,
    (S.READY, M.LOSE): S.PAUSED,
    (S.RESERVED, M.RELEASE): S.READY,
    (S.RESERVED, M.CONNECT): S.ON_CALL,
    (S.ON_CALL, M.HANG_UP): S.WRAP_UP,
    (S.WRAP_UP, M.WRAP): S.READY,
    (S.WRAP_UP, M.CONNECT): S.ON_CALL,
}
"""Where each move leads; every other pair changes no state."""

presences = st.builds(
    Presence,
    state=st.sampled_from(S),
    since=st.just(NOW),
    reason=st.sampled_from(["", "lunch", "training"]),
)


def with_wish(presence: Presence, after: AgentState | None, wanted: str) -> Presence:
    """Only who has a customer in hand can have asked for something afterwards."""
    return replace(presence, afterwards=after, wanted=wanted if after else "") if presence.in_hand else presence


@pytest.mark.parametrize(("state", "what"), list(product(S, M)))
def test_every_move_from_every_state(state: AgentState, what: Move) -> None:
    moved = move(Presence(state, NOW), what, LATER, "why")
    to = EXPECTED.get((state, what))
    if to is not None:
        assert moved is not None
        assert (moved.state, moved.since, moved.reason) == (to, LATER, "why")
    elif state in IN_HAND and what in {M.PAUSE, M.SIGN_OUT}:
        assert moved == Presence(state, NOW, "", S.PAUSED if what is M.PAUSE else S.OFFLINE, "why")
    else:
        assert moved is None


@given(presences, st.sampled_from([None, S.PAUSED, S.OFFLINE]), st.sampled_from(["", "bus"]), st.sampled_from(M))
def test_what_a_move_does_is_what_the_model_says(
    presence: Presence, after: AgentState | None, wanted: str, what: Move
) -> None:
    before = with_wish(presence, after, wanted)
    moved = move(before, what, LATER, "why")
    if moved is None:
        return
    assert moved != before
    if moved.state is before.state and before.in_hand:
        assert (moved.since, moved.reason) == (before.since, before.reason), "a wish moves nobody"
        assert moved.afterwards == {M.PAUSE: S.PAUSED, M.SIGN_OUT: S.OFFLINE, M.GET_READY: None}[what]
        return
    assert moved.since == LATER
    to = EXPECTED[before.state, what]
    if to is S.READY and before.afterwards is not None:
        assert (moved.state, moved.reason) == (before.afterwards, before.wanted)
        assert moved.afterwards is None
        return
    assert moved.state is to
    if to not in IN_HAND:
        assert (moved.afterwards, moved.wanted) == (None, "")
    elif before.state is S.PAUSED:  # the customer came in after all; then the pause goes on
        assert (moved.afterwards, moved.wanted) == (S.PAUSED, before.reason)
    else:
        assert (moved.afterwards, moved.wanted) == (before.afterwards, before.wanted)


@given(presences, st.sampled_from(M))
def test_the_same_again_changes_nothing(presence: Presence, what: Move) -> None:
    """Webhooks and clicks come twice. A pause for the same reason does not begin anew."""
    moved = move(presence, what, LATER, "why")
    if moved is not None:
        assert move(moved, what, LATER + timedelta(minutes=1), "why") is None


def test_a_pause_for_another_reason_begins_anew() -> None:
    lunch = Presence(S.PAUSED, NOW, "lunch")
    assert move(lunch, M.PAUSE, LATER, "lunch") is None
    assert move(lunch, M.PAUSE, LATER, "training") == Presence(S.PAUSED, LATER, "training")


@pytest.mark.parametrize("state", sorted(IN_HAND))
def test_a_wish_is_kept_until_the_customer_is_gone_and_can_be_taken_back(state: AgentState) -> None:
    asked = move(Presence(state, NOW), M.PAUSE, LATER, "lunch")
    assert asked == Presence(state, NOW, "", S.PAUSED, "lunch")
    assert move(asked, M.PAUSE, LATER, "lunch") is None
    instead = move(asked, M.SIGN_OUT, LATER)
    assert instead == Presence(state, NOW, "", S.OFFLINE)
    assert move(instead, M.GET_READY, LATER) == Presence(state, NOW)
    assert move(Presence(state, NOW), M.GET_READY, LATER) is None


@pytest.mark.parametrize(
    ("wish", "where"), [(None, S.READY), (M.PAUSE, S.PAUSED), (M.SIGN_OUT, S.OFFLINE)], ids=["ready", "pause", "go"]
)
@pytest.mark.parametrize("when", range(3))
def test_a_wish_outlives_every_stage_of_a_call(wish: Move | None, where: AgentState, when: int) -> None:
    here: Presence | None = Presence(S.READY, NOW)
    for stage, what in enumerate((M.RESERVE, M.CONNECT, M.HANG_UP, M.WRAP)):
        if wish is not None and stage == when + 1:
            here = move(here, wish, LATER, "lunch") if here else None
        here = move(here, what, LATER) if here else None
    assert here == Presence(where, LATER, "lunch" if wish else "")


def test_a_released_agent_goes_where_they_asked_to() -> None:
    reserved = Presence(S.RESERVED, NOW, afterwards=S.PAUSED, wanted="lunch")
    assert move(reserved, M.RELEASE, LATER, "no answer") == Presence(S.PAUSED, LATER, "lunch")


def test_the_table_names_every_state_and_the_telephone_is_kept_while_there_is_work() -> None:
    assert set(TRANSITIONS) == set(S)
    assert {S.READY} | IN_HAND == WITH_TELEPHONE
    assert {state for state in S if Presence(state, NOW).in_hand} == IN_HAND


class Day(RuleBasedStateMachine):
    """Whatever happens to an agent in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.presence = Presence(S.OFFLINE, NOW)
        self.customers = 0

    @rule(what=st.sampled_from(M), reason=st.sampled_from(["", "lunch"]))
    def happen(self, what: Move, reason: str) -> None:
        moved = move(self.presence, what, LATER, reason)
        if moved is None:
            return
        if moved.in_hand and not self.presence.in_hand:
            assert self.presence.state in {S.READY, S.PAUSED}
            assert what is M.CONNECT or (what is M.RESERVE and self.presence.state is S.READY)
        if not moved.in_hand and self.presence.in_hand:
            assert what in {M.RELEASE, M.WRAP}, "only the end of the call frees an agent"
        self.presence = moved

    @invariant()
    def wishes_are_only_of_who_is_busy(self) -> None:
        assert self.presence.in_hand or self.presence.afterwards is None
        assert self.presence.afterwards in {None, S.PAUSED, S.OFFLINE}
        assert self.presence.afterwards or not self.presence.wanted


TestDay = Day.TestCase


# Languages


@pytest.mark.parametrize(
    ("spoken", "wanted", "can"),
    [
        ((), "en-GB", True),
        (("zh",), "zh-CN", True),
        (("zh-CN",), "zh", True),
        (("zh-TW",), "zh-CN", False),
        (("en", "zh-CN"), "ZH-cn", True),
        (("en",), "eng", False),
        (("en",), "", False),
    ],
)
def test_who_speaks_what(spoken: tuple[str, ...], wanted: str, can: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert Agent("101", "Ann", languages=spoken).speaks(wanted) is can
