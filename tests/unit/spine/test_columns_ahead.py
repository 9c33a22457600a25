"""New cases are read block by block, the next block ahead, in processes where that pays: always the same columns."""

import os

import numpy as np
import pyarrow as pa
import pytest

from osler.core.errors import RunError
from osler.core.registry import modality
from osler.core.table import Table
from osler.spine.columns import Asked, ahead, block_cases, read_ahead
from tests.contract.strips import Strips, write_strips

ROLES = frozenset({"input"})


class Loop(Strips):
    shard_cases = 7


class Dying(Strips):
    """A kind that a worker dies of."""

    def __init__(self):
        self.home = os.getpid()

    def shard(self, locators, *, reading, roles):
        if os.getpid() != self.home:
            os._exit(9)
        return super().shard(locators, reading=reading, roles=roles)


def blocks(folder, *, kind=Loop, cases=90, size=40, broken=()):
    cells = [row["image"] for row in write_strips(folder, cases=cases)]
    for number in broken:
        cells[number] = "nothing.npy"
    for start in range(0, cases, size):
        table = Table(pa.table({"image": cells[start : start + size]}), folder)
        yield start, {"strip": Asked(kind(), kind().locate(table, columns=("image",)), {}, ROLES)}


@pytest.mark.parametrize(("workers", "pays"), [(1, 2.0), (2, 2.0), (2, 0.0)])
def test_every_way_gives_the_same_columns(tmp_path, monkeypatch, workers, pays):
    monkeypatch.setattr(ahead, "PAYS", pays)
    found = list(read_ahead(blocks(tmp_path, broken=(3, 20, 85)), workers=workers))
    assert [block for block, _ in found] == [0, 40, 80]
    for (_, columns), (_, asked) in zip(found, blocks(tmp_path, broken=(3, 20, 85)), strict=True):
        wanted = asked["strip"]()
        assert dict(columns["strip"].refusals) == dict(wanted.refusals)
        np.testing.assert_array_equal(columns["strip"].present, wanted.present)
        np.testing.assert_array_equal(columns["strip"].fingerprints, wanted.fingerprints)
        np.testing.assert_array_equal(columns["strip"]["image"].values, wanted["image"].values)


def test_a_block_is_read_while_the_one_before_is_worked_on(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "PAYS", 0.0)
    taken = []

    def watched():
        for one in blocks(tmp_path):
            taken.append(one[0])
            yield one

    stream = read_ahead(watched(), workers=2)
    next(stream)
    assert taken == [0, 40]  # and not 80: two blocks are held, no more
    stream.close()


def test_a_worker_that_dies_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "PAYS", 0.0)
    with pytest.raises(RunError, match=r"a worker process died while reading.*run again"):
        list(read_ahead(blocks(tmp_path, kind=Dying), workers=1 + 1))


def test_a_block_of_large_pictures_has_few_cases_and_one_of_numbers_many():
    images, numbers = modality("images"), {"kinds": {"a": "number"}, "left_out": {}}
    small, large = ({"channels": c, "size": s, "dtype": "uint8"} for c, s in ((1, [28, 28]), (3, [224, 224])))
    assert block_cases([(images, large)]) * 3 * 224 * 224 <= ahead.BLOCK_BYTES
    assert block_cases([(images, small)]) == ahead.LOOPED
    assert block_cases([(modality("tables"), numbers)]) == ahead.MOST
