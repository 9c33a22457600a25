"""The flags of a command, and the small languages in which some of them are written."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osler.core.errors import StudyError

_BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?|\.\d+)\s*(s|sec|m|min|h|d)?\s*", re.ASCII)
_MINUTES = {"s": 1 / 60, "sec": 1 / 60, "m": 1.0, "min": 1.0, "h": 60.0, "d": 1440.0}
_POWER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+\s*", re.ASCII)  # text to YAML 1.1, where it lacks a point or a sign
_INPUT = re.compile(r"([^=:]+)=([^=:]+):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked on the command line or in Python; None or empty where nothing was said.

    `inputs` are written NAME=MODALITY:COLUMN,COLUMN (columns may be patterns such as lab_*), `exclude` columns or
    patterns that are in no input, `budget` 10m, 30s, 2h or plain
    minutes, `settings` DECISION=VALUE with the value as in YAML, `pretrain` a bundle from whose encoders the inputs start.
    """

    table_or_study: Path
    target: tuple[str, ...] = ()
    task: str | None = None
    inputs: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    id: str | None = None
    group: str | None = None
    split: str | None = None
    weight: str | None = None
    time: str | None = None
    subgroups: tuple[str, ...] = ()
    budget: str | float | None = None
    seed: int | None = None
    settings: tuple[str, ...] = ()
    leaks: str | None = None
    language: str | None = None
    title: str | None = None
    folds: int | None = None
    repeats: int | None = None
    leave_out: str | None = None
    refit: bool | None = None
    pretrain: Path | str | None = None

    @property
    def names_study(self) -> bool:
        """Whether the path is a study file, which names its table."""
        return Path(self.table_or_study).suffix.lower() in {".yaml", ".yml"}


def minutes(budget: str | float) -> float:
    """Return a budget in minutes; raises StudyError.

    >>> minutes("90s"), minutes("2h"), minutes(10)
    (1.5, 120.0, 10.0)
    """
    found = _BUDGET.fullmatch(str(budget))
    value = float(found[1]) * _MINUTES[found[2] or "m"] if found else math.nan
    if not 0 < value < math.inf:
        raise StudyError(f"budget: '{budget}' is no time above 0; write 10m, 30s, 2h, or a number of minutes")
    return value


def input_parts(written: str) -> tuple[str, str, tuple[str, ...]]:
    """Return name, modality and columns of NAME=MODALITY:COLUMN,COLUMN; raises StudyError."""
    found = _INPUT.fullmatch(written)
    columns = tuple(c for c in (part.strip() for part in found[3].split(",")) if c) if found else ()
    if not found or not columns:
        raise StudyError(f"input '{written}' is not written NAME=MODALITY:COLUMN,COLUMN, for example labs=tables:lab_*,age")
    return found[1].strip(), found[2].strip(), columns


def setting_parts(written: str) -> tuple[str, Any]:
    """Return the name and the value of DECISION=VALUE; raises StudyError."""
    from osler.spine.study.plain import loaded, plain_fault

    name, equals, value = written.partition("=")
    if not equals or not name.strip():
        raise StudyError(f"setting '{written}' is not written DECISION=VALUE, for example fit.epochs=20")
    power = _POWER.fullmatch(value)
    result = float(value) if power else loaded(value, what=f"the value of setting '{name.strip()}'")
    fault = plain_fault(result)
    if fault:
        raise StudyError(f"the value of setting '{name.strip()}' {fault}")
    return name.strip(), result
