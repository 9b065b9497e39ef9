"""The API's refusals, in the shape and with the codes of Twilio's error bodies."""

from __future__ import annotations

from http import HTTPStatus


class Refusal(Exception):  # noqa: N818 - an answer to the client, not a fault of the program
    """A request the API turns down: Twilio's error code, its sentence and the HTTP status that carries it."""

    def __init__(self, code: int, message: str, status: int = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = int(status)

    def body(self) -> dict[str, object]:
        """The JSON body Twilio sends with an error."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def unknown_resource(path: str) -> Refusal:
    """No such call, account or path (20404)."""
    return Refusal(20404, f"The requested resource {path} was not found", HTTPStatus.NOT_FOUND)


def unauthenticated() -> Refusal:
    """Missing or wrong account sid and auth token (20003)."""
    return Refusal(20003, "Authenticate", HTTPStatus.UNAUTHORIZED)


def too_many_requests() -> Refusal:
    """Too many API requests at once; nothing was processed (20429)."""
    return Refusal(20429, "Too Many Requests", HTTPStatus.TOO_MANY_REQUESTS)


def server_error() -> Refusal:
    """An internal error; the client cannot tell whether the request was carried out (20500)."""
    return Refusal(
        20500, "An internal server error has occurred. Please try again later.", HTTPStatus.INTERNAL_SERVER_ERROR
    )
