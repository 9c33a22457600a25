"""Write what was trained as a bundle, and make members from a bundle again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osler.core.account import Account
from osler.core.errors import BundleError
from osler.core.state import State
from osler.core.study import Study
from osler.spine.bundle import Contents, write_bundle
from osler.spine.report import documents_of

if TYPE_CHECKING:
    from osler.flows.cases import Cases
    from osler.flows.fitting import Trained


def versions() -> dict[str, str]:
    """Return the versions of Osler and of what its figures depend on."""
    return {name: metadata.version(name) for name in ("osler", "torch", "numpy", "lightgbm", "scikit-learn")}


def write(out: Path, *, cases: Cases, trained: Trained, account: Account) -> None:
    """Write the bundle with its report and card."""
    baselines = {f"fold{n}": crew.baseline.files() for n, crew in enumerate(trained.crews)}
    contents = Contents(
        _about(cases, trained, account),
        account.plan,
        _weights(trained),
        _state(trained, account),
        baselines,
        documents_of(account),
    )
    write_bundle(out, contents)


def public_study(study: Study) -> Study:
    """Return the study without paths."""
    return replace(study, table=Path(), folder=Path())


def asked_of(study: Study, cases: Cases) -> dict[str, Any]:
    """Return what every bundle tells of its study: task, target, inputs without paths, roles, seed and language."""
    return {
        "title": study.title,
        "task": study.task,
        "targets": list(study.targets),
        "target": dict(cases.target.info),
        "inputs": [
            {
                "name": i.name,
                "modality": i.modality,
                "columns": list(i.columns),
                "options": dict(cases.modalities[i.name].public(i.options)),
            }
            for i in study.inputs
        ],
        "roles": {"id": study.roles.id, "group": study.roles.group, "subgroups": list(study.roles.subgroups)},
        "seed": study.seed,
        "language": study.language,
    }


def _about(cases: Cases, trained: Trained, account: Account) -> dict[str, Any]:
    study = cases.study
    return {
        **asked_of(study, cases),
        **({"question": study.question.to_dict()} if study.question else {}),
        "crews": len(trained.crews),
        "networks": len(trained.crews[0].networks),
        "blend": {"network": trained.blend.network},
        "counts": dict(account.counts),
        "split": account.split,
        "origin": dict(account.scores.origin),
        "versions": dict(account.versions),
    }


def _weights(trained: Trained) -> dict[str, np.ndarray]:
    return {
        f"fold{n}.network{m}.{name}": value.detach().cpu().numpy()
        for n, crew in enumerate(trained.crews)
        for m, member in enumerate(crew.networks)
        for name, value in member.network.state_dict().items()
    }


def _state(trained: Trained, account: Account) -> State:
    parts = {f"fold{n}": State.joined({f"inputs.{k}": s for k, s in crew.states.items()}) for n, crew in enumerate(trained.crews)}
    parts["output"] = State.joined(trained.states)
    facts = State({}, {name: dict(found) for name, found in account.facts.items()})
    return State.joined({**parts, "facts": facts, "explain": trained.references})


def taken(weights: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays under `prefix.`, without it; raises BundleError where there is none."""
    start = f"{prefix}."
    found = {k[len(start) :]: v for k, v in weights.items() if k.startswith(start)}
    if not found:
        raise BundleError(f"the bundle has no weights for {prefix}")
    return found
