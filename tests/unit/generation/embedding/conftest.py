"""Maps of few cases where a test is of something else: a layout of all of them takes seconds."""

import sys

import pytest


@pytest.fixture
def small_maps(monkeypatch):
    monkeypatch.setattr(sys.modules["osler.generation.embedding.pictured"], "MOST", 40)
