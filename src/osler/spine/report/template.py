"""The templates and the style of all pages."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template(name: str) -> Template:
    """Return the template in the file `name`; what it is given is escaped."""
    return _environment().get_template(name)


def style() -> str:
    """Return the style that pages carry in themselves."""
    return _text("page.css")


def _text(name: str) -> str:
    return files("osler.spine.report").joinpath(name).read_text(encoding="utf-8")


@lru_cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
