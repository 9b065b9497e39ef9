"""Why a call was allowed, as it is kept with the attempt: enough to judge it again years later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dialer.core.wall_clock import local

if TYPE_CHECKING:
    from datetime import datetime

    from dialer.core.admission import Dial, House
    from dialer.store.proposals import Candidate


def evidence(candidate: Candidate, house: House, decision: Dial, now: datetime) -> dict[str, Any]:
    """The rules with their answers, the zones with the time they showed, and what the decision was made from."""
    proposal = candidate.proposal
    person, promise = proposal.customer, proposal.promise
    found: dict[str, Any] = {
        "rules": [[rule.name, rule.reason] for rule in decision.rules],
        "presets": list(decision.presets),
        "zones": list(decision.zones),
        "local": [local(now, zone).isoformat(timespec="seconds") for zone in decision.zones],
        "until": decision.opening.end.isoformat(),
        "decided": now.isoformat(),
        "region": person.region,
        "zone": person.zone,
        "quiet": [str(quiet) for quiet in person.quiet],
        "editions": dict(house.editions),
    }
    if promise is not None:
        said = {"at": promise.at.isoformat(), "until": promise.until.isoformat()}
        found["promise"] = said | {"channel": promise.channel, "proof": promise.proof, "lifted": list(decision.lifted)}
    return found
