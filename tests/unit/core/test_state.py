"""States are joined under names and taken apart again."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from osler.core.state import State

NAMES = st.text("abc", min_size=1, max_size=3)
STATES = st.builds(
    State, st.dictionaries(NAMES, st.integers(0, 9).map(np.array), max_size=3), st.dictionaries(NAMES, st.text(), max_size=3)
)


@given(st.dictionaries(NAMES, STATES, max_size=4))
def test_parts_come_back_as_they_were_joined(parts):
    joined = State.joined(parts)
    for name, part in parts.items():
        assert joined.part(name) == part


@given(STATES)
def test_states_nest(state):
    assert State.joined({"fold0": State.joined({"inputs.table": state})}).part("fold0.inputs.table") == state


def test_a_name_is_no_prefix_of_a_longer_one():
    assert State({}, {"table2.x": 1}).part("table") == State()
