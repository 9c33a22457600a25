"""Names lead to classes that call themselves so."""

from __future__ import annotations

import pytest

from osler.core import registry
from osler.core.errors import StudyError


@pytest.mark.parametrize("name", registry.MODALITIES)
def test_modalities_bear_the_name_they_are_registered_under(name):
    assert registry.modality(name).name == name


@pytest.mark.parametrize("name", registry.TASKS)
def test_tasks_bear_the_name_they_are_registered_under(name):
    assert registry.task(name).name == name


def test_a_miss_offers_the_nearest_name():
    with pytest.raises(StudyError, match=r"no modality 'table'; did you mean 'tables'\?"):
        registry.modality("table")
    with pytest.raises(StudyError, match=r"no task 'xyz'; known: 'classification'"):
        registry.task("xyz")
