"""Why a call is made, which decides the rules that bind it."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why a campaign calls; calling rules depend on it."""

    SALES = "sales"  # offers something the customer did not ask for
    SERVICE = "service"  # answers something the customer raised
    SURVEY = "survey"  # asks for an opinion
    RENEWAL = "renewal"  # a contract of the customer's comes to its end
    COLLECTION = "collection"  # reminds of an overdue payment
    APPOINTMENT = "appointment"  # calls at a time the customer asked for
