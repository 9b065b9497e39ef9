"""Pages from templates: escaped, in the reader's language, whole or the part that htmx asks for."""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from dialer.web.console.shield import CSRF_FIELD, protect

if TYPE_CHECKING:
    from starlette.requests import Request

    from dialer.web.console.languages import Languages, Tongue

TEMPLATES: Final = Path(__file__).parents[1] / "templates"
STATIC: Final = Path(__file__).parents[1] / "static"


class Assets:
    """The files that come with the program, read once; each is addressed by its content, so browsers may keep it."""

    def __init__(self) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file()}
        self._versions = {name: hashlib.sha256(body).hexdigest()[:12] for name, body in self._files.items()}

    def url(self, name: str) -> str:
        """Where a file is."""
        return f"/console/static/{name}?v={self._versions[name]}"

    def answer(self, request: Request) -> Response | None:
        """The file that a request names; None when there is no such file."""
        name = str(request.path_params["name"])
        if name not in self._files:
            return None
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        response = protect(Response(self._files[name], media_type=kind), keep=True)
        current = request.query_params.get("v") == self._versions[name]
        response.headers["cache-control"] = "public, max-age=31536000, immutable" if current else "no-cache"
        return response


class Renderer:
    """The templates, once for each language."""

    def __init__(self, languages: Languages, assets: Assets) -> None:
        self._environments = {name: _environment(tongue, assets) for name, tongue in languages.all().items()}

    def html(self, language: str, template: str, block: str, values: dict[str, Any]) -> str:
        """A template, or one of its blocks."""
        found = self._environments[language].get_template(template)
        if not block:
            return found.render(values)
        return "".join(found.blocks[block](found.new_context(values)))


def wants_part(request: Request) -> bool:
    """Whether htmx will put the answer into the page that is there."""
    headers = request.headers
    if headers.get("hx-request") != "true":
        return False
    return headers.get("hx-boosted") != "true" and headers.get("hx-history-restore-request") != "true"


def csrf_field(token: str) -> Markup:
    """The hidden field of a form that is sent without htmx."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token)


def _environment(tongue: Tongue, assets: Assets) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.install_gettext_translations(tongue.texts, newstyle=True)  # type: ignore[attr-defined] # the extension's
    environment.globals |= {"language": tongue.language, "asset": assets.url}
    environment.filters |= {
        "time": tongue.time,
        "day": tongue.day,
        "moment": tongue.moment,
        "clock": tongue.clock,
        "number": tongue.number,
        "percent": tongue.percent,
        "word": tongue.word,
    }
    return environment
