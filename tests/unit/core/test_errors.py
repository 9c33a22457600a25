"""The tree of errors and what they say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from osler.core import errors
from osler.core.errors import MissingExtra, OslerError, Refusal, Refused, RequestError, StudyError, did_you_mean


def test_every_error_is_in_the_tree_and_has_its_exit_code():
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(kinds) >= 11
    for kind in kinds:
        assert issubclass(kind, OslerError)
        assert kind.exit_code == (2 if issubclass(kind, RequestError) else 1)
        assert kind.__name__ in errors.__doc__


def test_one_fault_is_a_sentence_and_several_are_a_list():
    assert str(StudyError("no target")) == "no target"
    assert str(StudyError(["no target", "no table"])) == "2 faults:\n- no target\n- no table"
    assert StudyError("no target").faults == ("no target",)


def test_a_missing_extra_names_what_to_install():
    with pytest.raises(RequestError, match=r"pip install 'osler\[volumes\]'"):
        raise MissingExtra(package="nibabel", extra="volumes")


def test_a_refusal_names_its_column():
    assert str(Refused(Refusal("unreadable", "no number", "age"))) == "unreadable: column 'age': no number"
    assert str(Refusal("no_target", "missing")) == "no_target: missing"


@given(st.text(), st.lists(st.text(), max_size=20))
def test_near_misses_never_fail_and_name_only_what_is_known(name, known):
    tail = did_you_mean(name, known)
    assert (tail == "") == (not known)
    assert not known or any(f"'{k}'" in tail for k in known)


def test_near_misses_are_found_whatever_the_case():
    assert did_you_mean("AGE", ["age", "sex"]) == "; did you mean 'age'?"
    assert did_you_mean("zzz", [f"lab{n}" for n in range(20)]).endswith("… (20 in all)")
