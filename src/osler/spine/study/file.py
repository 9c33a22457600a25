"""The study file, and flags laid over it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, field_validator

from osler.core.errors import StudyError, did_you_mean
from osler.core.question import INDEX, SUBJECT, Question
from osler.spine.study.plain import LARGEST, loaded, plain_fault
from osler.spine.study.question import parsed
from osler.spine.study.request import Request, input_parts, minutes, setting_parts

_NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"  # an input's name begins the names of its decisions, so it has no dot
_ROLES = ("id", "group", "split", "weight", "time", "leave_out")
TAKEN = ("target",)  # no name for an input: facts and decisions of the target are called so
MOST_TRAININGS = 100  # outer folds in all: each is a whole training


class InputFile(BaseModel):
    """One input of a study file: a modality, its columns (patterns allowed) and options that the modality knows."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    modality: str
    columns: tuple[str, ...] = Field(min_length=1)

    @property
    def options(self) -> Mapping[str, Any]:
        """What is said beside modality and columns."""
        return dict(self.model_extra or {})


class StudyFile(BaseModel):
    """A study as it is written: nothing guessed, nothing looked up in the table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    table: Path
    title: str = Field(default="", max_length=500)
    task: str | None = None
    target: tuple[str, ...] = ()
    inputs: Mapping[str, InputFile] = Field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    id: str | None = None
    group: str | None = None
    split: str | None = None
    weight: str | None = None
    time: str | None = None
    subgroups: tuple[str, ...] = ()
    budget: float = 10.0
    seed: int = Field(default=0, ge=0, lt=2**32)
    settings: Mapping[str, Any] = Field(default_factory=dict, alias="set")
    language: Literal["en", "zh"] = "en"
    leaks: Literal["stop", "drop", "allow"] = "stop"
    folds: int | None = None
    repeats: int | None = None
    leave_out: str | None = None
    refit: bool = False
    question: InstanceOf[Question] | None = None

    @field_validator("folds")
    @classmethod
    def _folds(cls, folds: int | None) -> int | None:
        if folds is not None and not 2 <= folds <= MOST_TRAININGS:
            raise ValueError(f"{folds} folds cannot be; from 2 (one to train, one to test) to {MOST_TRAININGS} can")
        return folds

    @field_validator("repeats")
    @classmethod
    def _repeats(cls, repeats: int | None) -> int | None:
        if repeats is not None and not 1 <= repeats <= MOST_TRAININGS // 2:
            raise ValueError(f"{repeats} repeats cannot be; from 1 to {MOST_TRAININGS // 2} can")
        return repeats

    @field_validator("inputs")
    @classmethod
    def _inputs(cls, inputs: Mapping[str, InputFile]) -> Mapping[str, InputFile]:
        for name, one in inputs.items():
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"'{name}' is no name for an input; use letters, digits, _ and -")
            if name in TAKEN:
                raise ValueError(f"'{name}' cannot be the name of an input; facts and decisions of the {name} are called so")
            if fault := plain_fault(dict(one.options)):
                raise ValueError(f"an option of '{name}' {fault}")
        return inputs

    @field_validator("settings")
    @classmethod
    def _settings(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        if fault := plain_fault(dict(settings)):
            raise ValueError(f"a value {fault}")
        return settings


def describe(request: Request) -> StudyFile:
    """Return what was asked: the study file, if one is named, with the flags over it.

    Raises StudyError with all faults of the file and of the flags.
    """
    faults: list[str] = []
    path = Path(request.table_or_study)
    asked: dict[str, Any] = _of_file(path, faults) if request.names_study else {"table": path}
    flags = _of_flags(request, faults)
    asked |= {name: value for name, value in flags.items() if name != "set"}
    if flags.get("set") and isinstance(asked.setdefault("set", {}), dict):
        asked["set"] = {**asked["set"], **flags["set"]}
    try:
        study = StudyFile.model_validate(asked)
    except ValidationError as error:
        raise StudyError([*faults, *(_sentence(e) for e in error.errors())]) from None
    if faults:
        raise StudyError(faults)
    return study


def table_path(request: Request) -> Path:
    """Return the table to open: the path itself, or the one that the study file names; raises StudyError."""
    if not request.names_study:
        return Path(request.table_or_study)
    return describe(request).table


def _of_file(path: Path, faults: list[str]) -> dict[str, Any]:
    """Return the keys of a study file with their simple forms written out."""
    content = loaded(_read(path), what=f"the study '{path.name}'")
    if not isinstance(content, dict):
        came = "nothing" if content is None else f"a {type(content).__name__}"
        raise StudyError(f"the study '{path.name}' holds {came}; wanted keys and values, for example 'table: patients.csv'")
    asked: dict[str, Any] = {}
    for key, value in content.items():
        if not isinstance(key, str):
            faults.append(f"the key {key!r} is a {type(key).__name__} and not text; put it in quotes")
        elif value is not None:
            asked[key] = value
    for key in ("target", "subgroups", "exclude"):
        asked[key] = _several(asked.get(key, []))
    events = _question(asked, faults)
    if isinstance(asked.get("inputs"), dict):
        asked["inputs"] = {name: _input(one, events=events) for name, one in asked["inputs"].items()}
    asked["table"] = _inside(asked.get("table", "." if events else None), path.parent, faults)
    _budget(asked, faults)
    return asked


def _question(asked: dict[str, Any], faults: list[str]) -> bool:
    """Put the parsed question in the place of what was written; return whether cases come from events, and no table is needed."""
    if "question" not in asked:
        return False
    raw = asked.pop("question")
    try:
        asked["question"] = parsed(raw)
    except StudyError as error:
        faults.extend(error.faults)
        return not isinstance(raw, dict) or not isinstance(raw.get("target"), dict) or "column" not in raw["target"]
    return bool(asked["question"].derived)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise StudyError(f"the study '{path.name}' cannot be opened: {error.strerror or type(error).__name__}") from None


def _several(value: Any) -> Any:
    """Return one or several names as a tuple; what is neither stays, for the model to refuse."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


def _input(one: Any, *, events: bool) -> Any:
    """Return an input with its columns as a tuple; of cases that come from events they are known."""
    if isinstance(one, dict) and events:
        one = {"columns": [SUBJECT, INDEX], **one}
    return {**one, "columns": _several(one["columns"])} if isinstance(one, dict) and "columns" in one else one


def _inside(table: Any, folder: Path, faults: list[str]) -> Path:
    """Return the table's path; a study from a stranger may not read what lies beside its folder."""
    if not isinstance(table, str) or not table.strip():
        came = "nothing" if table is None else "a text that is empty" if isinstance(table, str) else f"a {type(table).__name__}"
        faults.append(f"'table' must be the path of a table, relative to the study; it is {came}")
        return folder
    if "://" in table:
        faults.append("'table' is the address of a database; name it as 'source' of the input of events, and leave 'table' out")
        return folder
    try:
        path = (folder / table).resolve()
        inside = path.is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        path, inside = folder, False
    if not inside:
        faults.append("'table' leaves the folder of the study; put the table beside the study, or name the table itself")
    return path


def _budget(asked: dict[str, Any], faults: list[str]) -> None:
    value = asked.get("budget")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return  # absent, or of a type that the model refuses
    try:
        asked["budget"] = minutes(value)
    except (StudyError, ValueError) as error:  # an integer of thousands of digits cannot be written out
        faults.append(str(error) if isinstance(error, StudyError) else "budget: the number is too large")
        del asked["budget"]


def _of_flags(request: Request, faults: list[str]) -> dict[str, Any]:
    """Return what the flags say, by the keys of the study file."""
    simple = ("title", "task", "seed", "language", "leaks", "folds", "repeats", "refit", *_ROLES)
    asked = {name: value for name in simple if (value := getattr(request, name)) is not None}
    asked |= {name: value for name in ("target", "subgroups", "exclude") if (value := tuple(getattr(request, name)))}
    if request.budget is not None:
        asked["budget"] = request.budget
        _budget(asked, faults)
    inputs: dict[str, Any] = {}
    for written in request.inputs:
        try:
            name, modality, columns = input_parts(written)
        except StudyError as error:
            faults.extend(error.faults)
            continue
        if name in inputs:
            faults.append(f"two inputs are called '{name}'")
        inputs[name] = {"modality": modality, "columns": columns}
    settings = {}
    for written in request.settings:
        try:
            name, value = setting_parts(written)
            settings[name] = value
        except StudyError as error:
            faults.extend(error.faults)
    return asked | ({"inputs": inputs} if inputs else {}) | ({"set": settings} if settings else {})


def _sentence(error: Mapping[str, Any]) -> str:
    """Return a fault that pydantic found in our words, without the value."""
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = [f.alias or name for name, f in StudyFile.model_fields.items()]
        return f"no key '{where}' in a study{did_you_mean(where, known)}"
    if error["type"] == "missing":
        return f"'{where}' is missing"
    if error["type"] == "value_error":
        return f"'{where}': {error['ctx']['error']}"
    if error["type"] == "tuple_type":
        return f"'{where}': wanted a name or a list of names; it is a {type(error['input']).__name__}, put it in quotes"
    if error["type"] == "literal_error":
        return f"'{where}': there is {error['ctx']['expected']}, and what came is none of these"
    quotes = "; put it in quotes" if error["type"] == "string_type" and not isinstance(error["input"], (list, dict)) else ""
    message = str(error["msg"]).replace("Input should be", "wanted").replace("Input", "it")
    return f"'{where}': {message}; what came is of the type {type(error['input']).__name__}{quotes}"
