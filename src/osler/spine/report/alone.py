"""A drawing of a report as a file of its own: an SVG that any program opens, with the light colours of the page written out."""

from __future__ import annotations

import re
from functools import lru_cache

from osler.spine.report.template import style

_FAMILY = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', Arial, sans-serif"


def alone(drawing: str) -> str:
    """Return the SVG `drawing` of a report as the content of a file; only rules that it uses go with it."""
    used = {name for names in re.findall(r'class="([^"]+)"', drawing) for name in names.split()}
    rules = "".join(rule for names, rule in _rules() if names <= used)
    head = '<svg xmlns="http://www.w3.org/2000/svg"'
    inner = f"<style>svg{{background:#fff;font-family:{_FAMILY}}}{rules}</style>"
    start, _, rest = drawing.partition(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{start.replace("<svg", head, 1)}>{inner}{rest}\n'


@lru_cache
def _rules() -> tuple[tuple[frozenset[str], str], ...]:
    """Return the rules of the page that hang on classes alone, each with the classes that it names; colours are those of the light theme."""
    text = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", style())
    colours = dict(re.findall(r"--(\w[\w-]*):\s*([^;]+);", text[: text.index("}")]))
    found = []
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text):
        for one in selector.split(","):
            names = frozenset(re.findall(r"\.([\w-]+)", one))
            if names and not re.search(r"[:>+~\[#]", one):
                filled = re.sub(r"var\(--([\w-]+)\)", lambda match: colours[match.group(1)], body)
                found.append((names, f"{one.strip()}{{{filled.strip()}}}"))
    return tuple(found)
