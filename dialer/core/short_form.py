"""Lists in rule files: a lone text may stand for one, and an empty one is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import AfterValidator
from pydantic_core import core_schema

from dialer.core.document import wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue


@dataclass(frozen=True, slots=True)
class ShortForm:
    """Reads a text as `long(text)`; editors see that it may be a text of the `shape`."""

    long: Callable[[str], Any]
    shape: dict[str, Any] | None = None
    """The JSON Schema of the text; without one, that of a single entry of the list."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """The schema to validate by: the long form, after a text was turned into it."""
        return core_schema.no_info_before_validator_function(
            lambda value: self.long(value) if isinstance(value, str) else value, handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """The schema that editors see."""
        long = handler(schema)
        return {"anyOf": [self.shape or long["items"], long]}


def _some(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values:
        raise wrong("nothing is said here", "expected at least one entry")
    return values


NOT_EMPTY: Final = AfterValidator(_some)
"""After the type of a list: it holds something. A length in the type itself would also count entries that are wrong."""
OR_ONE: Final = ShortForm(lambda text: (text,))
"""After the type of a list: a lone text stands for the list that holds it."""
