"""Bundles that many journeys start from, trained once."""

import pytest

from tests.journeys.command import SHORT, osler


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder of the session; Osler's cache lies in it and not in the user's own."""
    folder = tmp_path_factory.mktemp("journeys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield folder


@pytest.fixture(autouse=True)
def _cache_of_the_session(home):
    """Every journey keeps what can be made anew in the session's folder."""


@pytest.fixture(scope="session")
def cancer(home):
    """The breast cancer study as `osler data get` writes it."""
    ended = osler("data", "get", "breast-cancer", "--to", home / "cancer")
    assert ended.code == 0, ended.said
    return home / "cancer"


@pytest.fixture(scope="session")
def plan(home, cancer):
    """The plan that `osler inspect` writes for a short training of breast cancer."""
    ended = osler("inspect", cancer / "study.yaml", "--out", home / "plan.json", *SHORT)
    assert ended.code == 0, ended.said
    assert "fit.epochs" in ended.out
    return home / "plan.json"


@pytest.fixture(scope="session")
def bundle(home, cancer, plan):
    """A bundle of breast cancer. Read it; to change it, copy it."""
    ended = osler("train", cancer / "study.yaml", "--plan", plan, "--out", home / "model")
    assert ended.code == 0, ended.said
    assert "auroc" in ended.out
    return home / "model"
