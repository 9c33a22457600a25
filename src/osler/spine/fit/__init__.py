"""Train members: one loop for every objective."""

from osler.spine.fit.clock import Clock
from osler.spine.fit.loop import Run, draw, fit
from osler.spine.fit.member import NetworkMember
from osler.spine.fit.predictor import PredictorObjective
from osler.spine.fit.source import Source

__all__ = ["Clock", "NetworkMember", "PredictorObjective", "Run", "Source", "draw", "fit"]
