"""What a killed run is taken up by: the same study of the same content."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from osler.core.study import Roles, Study
from osler.flows.fitting import run_key

SPLIT = SimpleNamespace(**{name: np.arange(3) for name in ("training", "tune", "calibrate", "test")})


def cases(*, print_=1, here=True):
    """Return what a key is made of: a table, and an input whose file lies beside it."""
    events = SimpleNamespace(fingerprints=np.array([[print_, 2], [3, 4]]), present=np.array([here, True]))
    study = Study(Path("a"), Path("b"), ("y",), "classification", (), Roles())
    return SimpleNamespace(study=study, table=SimpleNamespace(digest="same"), columns={"events": events})


def test_events_that_changed_beside_an_equal_table_are_no_unfinished_run_of_it():
    begun = run_key(cases(), SPLIT, None)
    assert run_key(cases(), SPLIT, None) == begun
    assert run_key(cases(print_=9), SPLIT, None) != begun
    assert run_key(cases(here=False), SPLIT, None) != begun
