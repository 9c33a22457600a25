"""A way in which test cases are known to training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding of the leak check.

    `severity` "stop" ends the run unless the user drops or allows it. `rows` are the development rows at fault, which
    `--drop-leaks` leaves out of training (empty where no row is to blame, as for a column that gives the outcome away:
    then `column` names it). `test_rows` are the test cases touched. `sentence` quotes no patient value.
    """

    kind: str
    severity: Literal["stop", "warn"]
    sentence: str
    rows: np.ndarray
    test_rows: np.ndarray
    column: str | None = None
