"""Who learns from which rows."""

from types import SimpleNamespace

import numpy as np
import pytest

from osler.core.split import Fold
from osler.flows import members
from osler.flows.members import Work, train_baseline

FOLD = Fold(np.arange(0, 10), np.arange(10, 14), np.arange(14, 18))


class Told(Exception):
    """Carries the rows on which a baseline would be trained."""


@pytest.mark.parametrize(("sparing", "last"), [(True, 9), (False, 13)])
def test_the_baseline_never_learns_the_cases_that_choose_its_share(sparing, last, tmp_path, monkeypatch):
    def rows_of(source, rows, **_):
        raise Told(rows)

    monkeypatch.setattr(members, "baseline_cases", rows_of)
    work = Work(SimpleNamespace(), np.arange(18), 0, tmp_path, sparing=sparing)
    with pytest.raises(Told) as told:
        train_baseline(SimpleNamespace(), FOLD, states={}, work=work, folder=tmp_path)
    np.testing.assert_array_equal(told.value.args[0], np.arange(last + 1))
