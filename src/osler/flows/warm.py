"""First weights of encoders, from a folder that the user gives: another bundle, or safetensors files.

The plan, and so the bundle, keeps the sha256 of what was given and never its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from osler.core import registry
from osler.core.errors import PlanError, RequestError
from osler.core.split import Split
from osler.core.study import Input, Study
from osler.core.watch import Watch
from osler.flows.members import fit_states
from osler.spine.bundle import INDEX, Contents, read_bundle
from osler.spine.fit import Source

DIGEST = "sha256:"
FEW = 64  # cases whose state shows the shapes of an encoder
LEAST = 0.5  # of an encoder's weights that must fit: fewer, and the folder holds another network


@dataclass(frozen=True, slots=True)
class Start:
    """Weights by the names that they have in their encoder, and the `digest` of their files."""

    arrays: Mapping[str, np.ndarray]
    digest: str


def pretrained(study: Study, bundle: Path | None) -> Study:
    """Return the study whose inputs start from `bundle`, those of a modality that it has; a start set by the user wins.

    Raises RequestError where it has none of them, BundleError where it is no bundle.
    """
    if bundle is None:
        return study
    held = {i["modality"] for i in read_bundle(bundle).about["inputs"]}
    named = {f"inputs.{one.name}.weights": str(bundle) for one in study.inputs if one.modality in held}
    if not named:
        wanted = ", ".join(dict.fromkeys(one.modality for one in study.inputs))
        raise RequestError(
            f"the bundle {bundle.name} represents {', '.join(sorted(held))}, and the study's inputs are {wanted}: nothing can start from it"
        )
    return replace(study, settings={**named, **study.settings})


def resolved(study: Study) -> tuple[Study, dict[str, Start]]:
    """Return the study with digests in the place of folders, and the weights by input.

    Of a bundle the encoder of the same modality is taken, with the sizes that it has, unless the user set others. Raises
    RequestError for a folder that holds no such weights, PlanError where a plan asks for weights whose folder was not given.
    """
    starts: dict[str, Start] = {}
    settings = dict(study.settings)
    for asked in study.inputs:
        name = f"inputs.{asked.name}.weights"
        value = settings.get(name)
        if not value:
            continue
        if not isinstance(value, str):
            raise PlanError(f"'{name}' cannot be {value!r}; wanted a folder of safetensors files, or a bundle")
        if value.startswith(DIGEST):
            raise PlanError(f"the plan starts from weights with {value}; say where they are: --set {name}=FOLDER")
        folder = Path(value).expanduser()
        start, form = _of_bundle(folder, asked, study) if (folder / INDEX).is_file() else (_of_files(folder), {})
        starts[asked.name] = start
        settings = {**{f"inputs.{asked.name}.{k}": v for k, v in form.items()}, **settings, name: start.digest}
    return (replace(study, settings=settings) if starts else study), starts


def fitting(starts: Mapping[str, Start], source: Source, split: Split, *, groups: np.ndarray, watch: Watch) -> None:
    """Say which weights fit the encoders of the plan; raises RequestError where too few do."""
    rows = split.folds[0].training[:FEW]
    for name, start in starts.items():
        only = replace(source, modalities={name: source.modalities[name]})
        state = fit_states(only, rows, groups=groups)[name]
        encoder = source.modalities[name].encoder(
            plan=source.plan.part(f"inputs.{name}"), state=state, output="map" if name == source.anchor else "vector"
        )
        own = {k: tuple(v.shape) for k, v in encoder.state_dict().items()}
        fits = {k for k, shape in own.items() if k in start.arrays and start.arrays[k].shape == shape}
        total, found = (sum(int(np.prod(own[k])) for k in keys) for keys in (own, fits))
        if found < LEAST * total:
            raise RequestError(_misfit(name, own, start, found=len(fits)))
        watch.say(
            f"{name}: {len(fits)} of {len(own)} arrays ({100 * found // max(total, 1)}% of the weights) start from what was given"
        )


def put(encoders: Any, starts: Mapping[str, Start]) -> None:
    """Put the weights that fit into `encoders`, modules by input; the others stay as they were drawn."""
    import torch

    for name, start in starts.items():
        own = encoders[name].state_dict()
        fits = {k: torch.from_numpy(np.array(start.arrays[k])) for k, v in own.items() if _fits(start, k, tuple(v.shape))}
        encoders[name].load_state_dict({**own, **fits})


def _fits(start: Start, name: str, shape: tuple[int, ...]) -> bool:
    return name in start.arrays and start.arrays[name].shape == shape


def _of_bundle(folder: Path, asked: Input, study: Study) -> tuple[Start, dict[str, Any]]:
    contents = read_bundle(folder)
    if study.task not in registry.MAKERS and registry.task(study.task).listed and contents.about["task"] != study.task:
        raise RequestError(
            f"networks of the task '{study.task}' keep each letter apart, and the bundle {folder.name} is of '{contents.about['task']}':"
            " nothing of it fits; start from a bundle of the same task, or leave it out"
        )
    same = [i["name"] for i in contents.about["inputs"] if i["modality"] == asked.modality]
    if not same:
        raise RequestError(f"the bundle {folder.name} has no input of {asked.modality} to start '{asked.name}' from")
    source = asked.name if asked.name in same else same[0]
    arrays = _under(contents.weights, _place(contents, source))
    if not arrays:
        raise RequestError(f"the bundle {folder.name} holds no encoder of '{source}' to start '{asked.name}' from")
    digest = hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()
    decided = contents.plan.part(f"inputs.{source}")
    form = {k: decided[k] for k in registry.modality(asked.modality).form if k in decided}
    return Start(arrays, f"{DIGEST}{digest}"), form


def _place(contents: Contents, name: str) -> str:
    """Return the beginning of the names of the weights of the encoder of input `name`: of one that represents, as it says itself."""
    about = contents.about
    if about["task"] in registry.MAKERS:
        return str(about["encoders"].get(name, "none"))
    return f"fold0.network0.fusion.parts.{[i['name'] for i in about['inputs']].index(name)}."


def _of_files(folder: Path) -> Start:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise RequestError(f"'{folder.name}' holds no safetensors files and is no bundle; give a folder of one or the other")
        arrays: dict[str, np.ndarray] = {}
        digest = hashlib.sha256()
        for path in files:
            data = path.read_bytes()
            digest.update(data)
            arrays |= load(data)
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RequestError(
            f"the weights in '{folder.name}' cannot be read ({type(error).__name__}); wanted safetensors"
        ) from None
    return Start(arrays, f"{DIGEST}{digest.hexdigest()}")


def _under(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    return {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}


def _misfit(name: str, own: Mapping[str, tuple[int, ...]], start: Start, *, found: int) -> str:
    lacking = next((k for k, shape in own.items() if not _fits(start, k, shape)), "")
    there = start.arrays[lacking].shape if lacking in start.arrays else "nothing"
    return (
        f"the weights given for '{name}' are of another network: {found} of {len(own)} arrays fit; for instance '{lacking}' is"
        f" {own.get(lacking)} here and {there} there. Set the sizes of the network to those of the weights (inputs.{name}.width, …)"
    )
