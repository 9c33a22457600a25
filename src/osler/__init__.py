"""Osler: from a table of medical data to a model that can be trusted.

The same verbs as the commands: train, inspect, evaluate, compare, predict, explain, embed, translate, load. Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osler.core.errors import OslerError, RequestError
    from osler.flows.compare import compare
    from osler.flows.embed import embed
    from osler.flows.evaluate import evaluate
    from osler.flows.generate import generate
    from osler.flows.predict import predict
    from osler.flows.predictor import Predictor, load
    from osler.flows.translate import translate
    from osler.flows.verbs import explain, inspect, train
    from osler.spine.study import Request

_HOMES = {
    "OslerError": "osler.core.errors",
    "Predictor": "osler.flows.predictor",
    "Request": "osler.spine.study",
    "RequestError": "osler.core.errors",
    "compare": "osler.flows.compare",
    "embed": "osler.flows.embed",
    "evaluate": "osler.flows.evaluate",
    "explain": "osler.flows.verbs",
    "generate": "osler.flows.generate",
    "inspect": "osler.flows.verbs",
    "load": "osler.flows.predictor",
    "predict": "osler.flows.predict",
    "train": "osler.flows.verbs",
    "translate": "osler.flows.translate",
}
__all__ = [
    "OslerError", "Predictor", "Request", "RequestError", "compare", "embed", "evaluate", "explain", "generate", "inspect", "load",
    "predict", "train", "translate",
]  # fmt: skip
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'osler' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
