"""A baseline as files: safetensors, JSON and LightGBM's text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from osler.core.errors import BundleError
from osler.tasks.baselines.blend import Baseline, Part
from osler.tasks.baselines.design import Design
from osler.tasks.baselines.linear import Linear
from osler.tasks.baselines.trees import check_forest, scrubbed

TEXT, ARRAYS = "baseline.json", "linear.safetensors"
FORMAT = 1


def write(model: Baseline) -> dict[str, bytes]:
    """Return the files of `model`: `baseline.json`, `linear.safetensors`, and `boosting-<part>.txt` where one was trained."""
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    files: dict[str, bytes] = {}
    for index, part in enumerate(model.parts):
        for field in fields(Design):
            arrays[f"{index}.{field.name}"] = np.ascontiguousarray(getattr(part.linear.design, field.name))
        arrays[f"{index}.weights"] = np.ascontiguousarray(part.linear.weights)
        arrays[f"{index}.intercept"] = np.ascontiguousarray(part.linear.intercept)
        if part.linear.mean is not None:
            arrays[f"{index}.mean"] = np.ascontiguousarray(part.linear.mean)
        if part.booster is not None:
            files[f"boosting-{index}.txt"] = scrubbed(part.booster.model_to_string(importance_type="gain")).encode()
    parts = [{"linear_share": p.linear_share, "text": p.text, "boosted": p.booster is not None} for p in model.parts]
    text = {"format": FORMAT, "kind": model.kind, "names": model.names, "parts": parts}
    return {TEXT: json.dumps(text, indent=1, ensure_ascii=False).encode(), ARRAYS: save(arrays), **files}


def load_baseline(files: Mapping[str, bytes]) -> Baseline:
    """Return the model that `write` stored; raises BundleError where a file is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    missing = [name for name in (TEXT, ARRAYS) if name not in files]
    if missing:
        raise BundleError(f"the bundle's baseline lacks {' and '.join(missing)}; take the bundle again from its source")
    try:
        text = json.loads(files[TEXT])
        if text["format"] > FORMAT:
            raise BundleError(f"the baseline has format {text['format']}; this Osler reads up to {FORMAT}: update Osler")
        arrays = load(files[ARRAYS])
        names = tuple(str(name) for name in text["names"])
        parts = tuple(
            _part(index, entry, arrays=arrays, files=files, features=len(names)) for index, entry in enumerate(text["parts"])
        )
        return Baseline(parts, str(text["kind"]), names)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, SafetensorError) as error:
        raise BundleError(
            f"the bundle's baseline is damaged ({type(error).__name__}); take the bundle again from its source"
        ) from None


def _part(
    index: int, entry: Mapping[str, Any], *, arrays: Mapping[str, np.ndarray], files: Mapping[str, bytes], features: int
) -> Part:
    design = Design(**{f.name: arrays[f"{index}.{f.name}"] for f in fields(Design)})
    mean = arrays.get(f"{index}.mean")  # older bundles have none
    linear = Linear(design, arrays[f"{index}.weights"], arrays[f"{index}.intercept"], mean)
    if linear.weights.shape != (design.width, len(linear.intercept)) or (mean is not None and mean.shape != (design.width,)):
        raise ValueError("weights and design differ in length")
    design.matrix(np.zeros((1, features), np.float32))  # an index beyond the features ends here, not in a prediction
    booster = None
    if entry["boosted"]:
        booster = _booster(f"boosting-{index}.txt", files, features=features, width=len(linear.intercept))
    return Part(linear, booster, float(entry["linear_share"]), str(entry["text"]))


def _booster(name: str, files: Mapping[str, bytes], *, features: int, width: int) -> Any:
    import lightgbm

    if name not in files:
        raise BundleError(f"the bundle's baseline lacks {name}; take the bundle again from its source")
    try:
        text = files[name].decode("ascii")
        check_forest(text, features=features, width=width)
        return lightgbm.Booster(model_str=text)
    except (lightgbm.basic.LightGBMError, ValueError):
        raise BundleError(f"the bundle's {name} is damaged; take the bundle again from its source") from None
