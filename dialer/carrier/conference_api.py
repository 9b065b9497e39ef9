"""The REST API's conferences and participants."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from dialer.carrier.conference import Phase
from dialer.carrier.form import (
    CONFERENCE_LIST,
    CONFERENCE_UPDATE,
    CONFERENCE_UPDATE_NOT_YET,
    PARTICIPANT_LIST,
    PARTICIPANT_UPDATE,
    PARTICIPANT_UPDATE_NOT_YET,
    Form,
)
from dialer.carrier.page import day_filters, page
from dialer.carrier.refusal import Refusal, unknown_resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from dialer.carrier.conference import Conference, Participant
    from dialer.carrier.rooms import Rooms

_PATH = re.compile(r"Conferences(?:/(?P<room>[^/]+)(?:/(?P<people>Participants)(?:/(?P<who>[^/]+))?)?)?")


class ConferenceApi:
    """Answers what is asked under /Conferences; a None answer is Twilio's 204."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def answer(self, method: str, resource: str, path: str, encoded: str) -> dict[str, object] | None:
        """The body for a request; `encoded` is its form, or the query of a GET. Raises `Refusal`."""
        match = _PATH.fullmatch(resource)
        if match is None:
            raise unknown_resource(path)
        room, people, who = match["room"], match["people"], match["who"]
        if room is None:
            _only(method, "GET")
            return self._list(encoded, path)
        conference = self._rooms.at(room)
        if conference is None or (not people and conference.sid != room):
            raise unknown_resource(path)
        if people and who:
            return self._participant(method, _find(conference, who, path), encoded)
        if people:
            return self._participants(method, conference, encoded, path)
        _only(method, "GET", "POST")
        if method == "POST":
            self._update(conference, Form(encoded, CONFERENCE_UPDATE, CONFERENCE_UPDATE_NOT_YET))
        return conference.resource()

    def _list(self, encoded: str, path: str) -> dict[str, object]:
        form = Form(encoded, CONFERENCE_LIST)
        keeps: list[Callable[[Conference], bool]] = []
        if "FriendlyName" in form:
            name = form.text("FriendlyName")
            keeps.append(lambda one: one.name == name)
        if "Status" in form:
            status = form.text("Status")
            if status not in set(Phase):
                raise Refusal(20001, f"Status {status!r} is not valid: expected one of {', '.join(Phase)}")
            keeps.append(lambda one: one.phase == status)
        keeps += day_filters(form, "DateCreated", lambda one: one.created)
        keeps += day_filters(form, "DateUpdated", lambda one: one.updated or one.created)
        found = [one for one in self._rooms.newest_first() if all(keep(one) for keep in keeps)]
        return page("conferences", found, lambda one: one.sid, form, path)

    def _update(self, conference: Conference, form: Form) -> None:
        status = form.text("Status")
        if status not in {"", "completed"}:
            raise Refusal(20001, f"Status {status!r} is not valid: expected completed")
        if status:
            self._rooms.end(conference)

    def _participants(self, method: str, conference: Conference, encoded: str, path: str) -> dict[str, object]:
        if method == "POST":
            raise Refusal(20001, "The stand-in carrier does not create participants yet: create a call that dials in")
        _only(method, "GET")
        form = Form(encoded, PARTICIPANT_LIST)
        found = list(conference.present.values())
        if "Muted" in form:
            muted = form.flag("Muted")
            found = [one for one in found if one.muted == muted]
        if "Hold" in form:
            hold = form.flag("Hold")
            found = [one for one in found if one.hold == hold]
        if form.flag("Coaching"):
            found = []
        return page("participants", found, lambda one: one.call_sid, form, path)

    def _participant(self, method: str, participant: Participant, encoded: str) -> dict[str, object] | None:
        _only(method, "GET", "POST", "DELETE")
        if method == "DELETE":
            self._rooms.remove(participant)
            return None
        if method == "POST":
            form = Form(encoded, PARTICIPANT_UPDATE, PARTICIPANT_UPDATE_NOT_YET)
            self._rooms.change(
                participant,
                muted=_given(form, "Muted"),
                hold=_given(form, "Hold"),
                ends=_given(form, "EndConferenceOnExit"),
            )
        return participant.resource()


def _find(conference: Conference, who: str, path: str) -> Participant:
    """Somebody who is in, by their call's sid or their label."""
    found = conference.present.get(who)
    if found is None:
        found = next((one for one in conference.present.values() if one.label == who), None)
    if found is None:
        raise unknown_resource(path)
    return found


def _given(form: Form, name: str) -> bool | None:
    return form.flag(name) if name in form else None


def _only(method: str, *allowed: str) -> None:
    if method not in allowed:
        raise Refusal(20004, "Method not allowed", HTTPStatus.METHOD_NOT_ALLOWED)
