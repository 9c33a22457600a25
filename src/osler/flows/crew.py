"""The members of one fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from osler.contract import BaselineModel
from osler.core.state import State
from osler.spine.fit import NetworkMember

PARTS = ("network", "baseline")


@dataclass(frozen=True, slots=True)
class Crew:
    """Networks that differ by their seed, and one baseline, on the fold's `states` by input."""

    states: Mapping[str, State]
    networks: tuple[NetworkMember, ...]
    baseline: BaselineModel
