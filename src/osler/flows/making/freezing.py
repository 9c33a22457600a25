"""Write what was made as a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from osler.contract import Objective
from osler.core.errors import OutputError
from osler.core.made import MadeAccount
from osler.core.state import State
from osler.flows.freeze import asked_of
from osler.flows.making.building import Parts
from osler.flows.making.planning import Making
from osler.spine.bundle import Contents, write_bundle
from osler.spine.report import made_documents_of, write_made_cases


def write(out: Path, *, making: Making, objective: Objective, parts: Parts, account: MadeAccount) -> None:
    """Write the bundle with its report and card."""
    states = State.joined({f"inputs.{name}": state for name, state in parts.states.items()})
    facts = State({}, {name: dict(found) for name, found in account.facts.items()})
    state = State.joined({"made": states, "judged": account.judgement.state, "facts": facts})
    weights = {f"made.{name}": value for name, value in making.maker.weights(objective).items()}
    about = _about(making, objective, parts=parts, account=account)
    write_bundle(out, Contents(about, account.plan, weights, state, {}, made_documents_of(account)))


def write_cases(path: Path, account: MadeAccount) -> None:
    """Write the page of single cases beside the bundle, or remove that of an older bundle where no case is told of; raises
    OutputError where the disk refuses."""
    told, study = account.judgement.cases, account.study
    try:
        if told:
            path.write_text(write_made_cases(told, title=study.title, language=study.language), encoding="utf-8")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path.name}: {error.strerror}; free space or choose another --out") from None


def _about(making: Making, objective: Objective, *, parts: Parts, account: MadeAccount) -> dict[str, Any]:
    return {
        **asked_of(account.study, making.cases),
        "info": dict(parts.info),
        "shapes": {name: list(shape) for name, shape in parts.shapes.items()},
        "encoders": {name: f"made.{prefix}" for name, prefix in making.maker.encoders(objective).items()},
        "counts": dict(account.counts),
        "split": account.split,
        "origin": {"kind": "test"},
        "versions": dict(account.versions),
    }
