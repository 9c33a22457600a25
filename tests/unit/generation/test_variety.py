"""Copies and flat pictures are told before anything is trained."""

import numpy as np
import PIL.Image
import polars as pl
import pytest

from osler.core.errors import StudyError
from osler.flows.train import train
from osler.spine.study import Request


def folder_of(pictures, folder, label=None):
    rows = []
    for number, picture in enumerate(pictures):
        PIL.Image.fromarray(picture).save(folder / f"{number}.png")
        rows.append({"image": f"{number}.png", **({} if label is None else {"finding": label(number)})})
    pl.DataFrame(rows).write_csv(folder / "table.csv")
    return Request(folder / "table.csv", task="representation", inputs=("image=images:image",), leaks="allow", budget="10s")


def drawn(count):
    return np.random.default_rng(0).integers(0, 255, (count, 16, 16)).astype(np.uint8)


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.full((30, 16, 16), 7, np.uint8), "training cases are all the same; at least 5 different ones are needed"),
        (np.arange(30, dtype=np.uint8)[:, None, None] * np.ones((1, 16, 16), np.uint8), "every image is of one grey throughout"),
        (drawn(19), "19 cases can be used, and the task 'representation' needs at least 20"),
    ],
)
def test_pictures_from_which_nothing_can_be_learned_are_told(pictures, message, tmp_path):
    with pytest.raises(StudyError, match=message):
        train(folder_of(pictures, tmp_path), out=tmp_path / "bundle", cache=tmp_path / "cache")


def test_a_label_of_one_class_is_told(tmp_path):
    from dataclasses import replace

    asked = folder_of(drawn(30), tmp_path, label=lambda _: "sick")
    with pytest.raises(StudyError, match="finding"):
        train(replace(asked, target=("finding",)), out=tmp_path / "bundle", cache=tmp_path / "cache")
