"""What a campaign file may hold, and what complaints about one are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from dialer.core.campaign import Campaign
from dialer.core.steps import TAGS
from dialer.documents.complaints import Grammar
from dialer.documents.source import Kind
from dialer.errors import CampaignFileError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from dialer.core.document import Flaw
    from dialer.documents.source import Source

CAMPAIGN_FILE: Final = Kind("campaign file", "campaign: my_campaign", CampaignFileError)

_GRAMMAR: Final = Grammar(
    Campaign,
    TAGS,
    {
        r"^[0-9*]$": "expected one key of a telephone: 0 to 9 or *, in quotes",
        r"^(\+[1-9][0-9]{6,14})?$": "expected a number such as '+18005550100', in quotes, without spaces",
        r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$": "expected a language such as en, en-GB or zh-CN",
    },
)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of campaign files, by which editors complete and check them."""
    return _GRAMMAR.json_schema


def explain(detail: ErrorDetails, source: Source) -> Flaw:
    """A validation error in the words of the file's author."""
    return _GRAMMAR.explain(detail, source)
