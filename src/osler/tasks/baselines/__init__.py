"""The classical model that is trained beside every network: a linear model and gradient boosting, tuned alike, blended."""

from osler.tasks.baselines.blend import fit_baseline
from osler.tasks.baselines.files import load_baseline
from osler.tasks.baselines.pace import pace_of

__all__ = ["fit_baseline", "load_baseline", "pace_of"]
