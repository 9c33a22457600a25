"""YAML from strangers: plain values only, nothing that grows, repeats a key or names a class."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import yaml

from osler.core.errors import StudyError

LARGEST = 1 << 20  # bytes of a study file; the longest of our own has two thousand
DEEPEST = 16


class _Loader(yaml.SafeLoader):
    """The safe loader without anchors, tags and repeated keys, and of limited depth."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse what is never needed in a study before anything is made of it."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.MarkedYAMLError(problem="anchors and aliases (& and *) are not read", problem_mark=event.start_mark)
        if getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(problem="tags (!) are not read", problem_mark=event.start_mark)
        self.depth += 1
        if self.depth > DEEPEST:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {DEEPEST} levels", problem_mark=event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that stands twice: the first would be lost in silence."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem=f"the key '{name}' stands twice", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def loaded(text: str | bytes, *, what: str) -> Any:
    """Return what YAML `text` holds; raises StudyError, in which `what` names the text."""
    if len(text) > LARGEST:
        raise StudyError(f"{what} has {len(text):,} bytes; at most {LARGEST:,} are read")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a subclass of the safe loader, stricter than it
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = error.problem or "it is not YAML"
        hint = "; indent with spaces, not tabs" if "\\t" in problem else ""
        raise StudyError(f"{what} cannot be read{where}: {problem}{hint}") from None
    except yaml.YAMLError:
        raise StudyError(f"{what} cannot be read: it is not plain text in UTF-8") from None
    except (ValueError, OverflowError, TypeError, RecursionError, AttributeError, KeyError, IndexError) as error:
        # The constructors of dates, numbers and keys fail in their own ways ("2020-13-45", "0b", an empty key).
        raise StudyError(f"{what} holds a value that cannot be read ({type(error).__name__}); put it in quotes") from None


def plain_fault(value: Any) -> str | None:
    """Return what JSON could not hold of `value`, as the tail of a sentence, or None."""
    if value is None or isinstance(value, (str, bool, int)):
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else "is not a finite number"
    if isinstance(value, list):
        return next((fault for v in value if (fault := plain_fault(v))), None)
    if isinstance(value, dict):
        odd = next((k for k in value if not isinstance(k, str)), None)
        if odd is not None:
            return f"has a key that is a {type(odd).__name__} and not text; put it in quotes"
        return next((fault for v in value.values() if (fault := plain_fault(v))), None)
    return f"holds a {type(value).__name__}; put it in quotes"
