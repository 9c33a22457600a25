"""From what was trained, or a bundle, to a translator that is ready to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osler.contract import Objective
from osler.generation.translation.scale import scales_of
from osler.generation.translation.translating import Translating


def translating(
    objective: Objective, *, plan: Mapping[str, Any], info: Mapping[str, Any], device: str, way: str = "forth"
) -> Translating:
    """Return the translator from source to target, or of unpaired training also the `way` "back"."""
    module: Any = objective.module
    scales = scales_of(plan, info)
    ends = scales if way == "forth" else scales[::-1]
    wanted = info["target" if way == "forth" else "source"]
    return Translating(module[way], ends, plan, str(wanted["dtype"]), device)
