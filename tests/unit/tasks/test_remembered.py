"""What is made of an array is made once, for these very cells, and goes with the array."""

import gc
import weakref

import numpy as np

from osler.tasks.remembered import remembered


def test_the_same_cells_are_asked_once_and_others_anew():
    asked = []
    function = remembered(lambda array: asked.append(array.shape) or float(array.sum()))
    table = np.arange(12.0).reshape(6, 2)
    assert function(table) == function(table) == 66
    assert function(table[:, :1]) == function(table[:, :1]) == 30  # two views of the same cells
    assert function(table[:, 1:]) == 36
    assert function(table[::2]) == 27
    assert asked == [(6, 2), (6, 1), (6, 1), (3, 2)]


def test_memory_that_was_given_back_is_not_taken_for_what_it_was():
    function = remembered(lambda array: float(array.sum()))
    for value in range(50):  # each is likely to get the place of the one before
        assert function(np.full(1000, float(value))) == 1000 * value


def test_nothing_is_kept_of_an_array_that_is_gone():
    class Made:
        pass

    function, array = remembered(lambda _: Made()), np.zeros(3)
    made = weakref.ref(function(array))
    assert made() is function(array)
    del array
    gc.collect()
    assert made() is None
