"""Documents with worked examples: their sections, what their lines of numbers say, and where they point in the code.

A section has fenced blocks of three kinds: `text` holds formulas, `python` a piece of code, and `numbers` work by hand. A line of numbers is
a chain, `name = expression = expression ≈ number`, in which `=` means equal and `≈` equal as rounded there. An expression may name what
stands in any line of its section.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

EXACT = 1e-9
ROUGH = 1e-3  # of an expression that is worked with rounded numbers
SIGNS = str.maketrans({"·": "*", "−": "-", "√": "sqrt"})


@dataclass(frozen=True)
class Section:
    """A section by its `title` (text of the heading), its `blocks` (kind, text), and the `places` in the code that it names."""

    title: str
    blocks: tuple[tuple[str, str], ...]
    places: tuple[str, ...]

    def of(self, kind: str) -> str:
        return "\n".join(text for found, text in self.blocks if found == kind)


def sections(text: str) -> list[Section]:
    """Return the sections under headings of the second level."""
    found = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        blocks = re.findall(r"^```(\w+)\n(.*?)^```", part, flags=re.MULTILINE | re.DOTALL)
        places = re.findall(r"`(src/[\w/]+\.py:[\w.]+)`", part)
        found.append(Section(part.partition("\n")[0].strip(), tuple(blocks), tuple(places)))
    return found


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.asarray(x, float)))


FUNCTIONS: Mapping[str, Callable] = {
    "σ": _sigmoid, "tanh": np.tanh, "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "max": max, "relu": lambda x: np.maximum(x, 0.0),
    "floor": np.floor, "sum": np.sum,
}  # fmt: skip


class Unknown(Exception):
    """A name stands in no line that was understood so far."""


def _value(node: ast.expr, names: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what an expression of numbers, lists, names, indices and FUNCTIONS gives."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return np.asarray(number, float)
        case ast.List(elts=parts):
            return np.array([_value(part, names) for part in parts])
        case ast.Name(id=name) if name in names:
            return names[name]
        case ast.Name(id=name):
            raise Unknown(name)
        case ast.Subscript(value=inner, slice=index):
            return _value(inner, names)[int(_value(index, names))]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, names)
        case ast.BinOp(left=left, op=operator, right=right):
            return _joined(operator, _value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=parts) if name in FUNCTIONS:
            return np.asarray(FUNCTIONS[name](*(_value(part, names) for part in parts)))
    raise ValueError(f"no arithmetic: {ast.unparse(node)}")


def _joined(operator: ast.operator, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow():
            return left**right
    raise ValueError(f"no arithmetic: {ast.dump(operator)}")


def _parsed(part: str) -> ast.expr:
    plain = re.sub(r"²", "**2", part.translate(SIGNS)).strip()
    try:
        return ast.parse(plain, mode="eval").body
    except SyntaxError as fault:
        raise ValueError(f"no arithmetic: {part.strip()}") from fault


def _printed(part: str) -> np.ndarray | None:
    """Return half a unit of the last digit of each number, where a part is a number or lists of numbers; None where it is more."""
    if re.search(r"[^\d.,\[\]\s−-]|\d\s*[−-]|\w\[", part):
        return None
    rounded = re.sub(r"[−-]?(\d+)(?:\.(\d+))?", lambda m: repr(0.5 * 10.0 ** -len(m[2] or "")), part)
    return _value(_parsed(rounded), {})


def _off(sign: str, part: str, *, value: np.ndarray, found: np.ndarray) -> bool:
    if value.shape != found.shape:
        return True
    allowed: np.ndarray | float = EXACT
    if sign == "≈":
        printed = _printed(part)
        allowed = ROUGH * np.maximum(1, np.abs(value)) if printed is None else printed + EXACT
    return bool((np.abs(value - found) > allowed).any())


def _line(line: str, names: dict[str, np.ndarray]) -> list[str]:
    """Return the faults of a line, whose name is then known; raises Unknown where it rests on another that is not."""
    first, *rest = re.split(r"\s*([=≈])\s*", line.strip())
    signs, parts = rest[::2], rest[1::2]
    values = [_value(_parsed(part), names) for part in parts]
    value, wrong = values[0], list(zip(signs[1:], parts[1:], values[1:], strict=True))
    if first.isidentifier():
        if first in names:
            return [f"{line.strip()}: {first} is there already"]
        names[first] = value
    else:  # an element, or an expression of names alone
        value = _value(_parsed(first), names)
        wrong = list(zip(signs, parts, values, strict=True))
    return [
        f"{line.strip()}: {part} is not {value.tolist()}" for s, part, found in wrong if _off(s, part, value=value, found=found)
    ]


def worked(text: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return what the names in lines of numbers stand for, and the lines that do not hold."""
    names: dict[str, np.ndarray] = {}
    faults: list[str] = []
    waiting = [line for line in text.splitlines() if line.strip()]
    while waiting:
        left = []
        for line in waiting:
            try:
                faults += _line(line, names)
            except Unknown:
                left.append(line)
            except ValueError as fault:
                faults.append(f"{line.strip()}: {fault}")
        if len(left) == len(waiting):
            return names, [*faults, *(f"{line.strip()}: a name is not known" for line in left)]
        waiting = left
    return names, faults


def missing(place: str, *, root: Path) -> bool:
    """Whether `path:name` (or `path:Class.name`) is not defined there."""
    file, _, name = place.partition(":")
    if not (root / file).is_file():
        return True
    body = ast.parse((root / file).read_text(encoding="utf-8")).body
    for part in name.split("."):
        found = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == part]
        if not found:
            return True
        body = found[0].body
    return False


def plain(value: object) -> np.ndarray | None:
    """Return numbers that a piece of code left under a name, None where it is none."""
    if isinstance(value, torch.Tensor):
        value = value.detach().double().numpy()
    is_number = isinstance(value, int | float | np.ndarray | np.floating) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, list) and value):
        return None
    found = np.asarray(value, float)
    return found if math.prod(found.shape) else None
