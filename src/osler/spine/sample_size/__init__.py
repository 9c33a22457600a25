"""Step: were there enough cases? Minimum sample sizes for developing and for validating a prediction model.

Riley et al. 2019 (Stat Med 38:1262 and 38:1276), 2020 (BMJ 368:m441), 2021 (Stat Med 40:4230); Archer et al. 2021 (Stat Med
40:133). The formulas are for regression models without penalty: for networks and boosted trees they are a lower bound.
"""

from osler.spine.sample_size.judging import judged

__all__ = ["judged"]
