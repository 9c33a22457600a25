"""LightGBM's text form of a booster: what of it is stored, and the check before it is opened.

LightGBM trusts this text: a child that points outside its tree is followed, and a number that cannot be read ends the whole
process. A bundle may come from a stranger, so its text is read here first and refused unless it is a forest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

_END = "end of trees\n"
_HEADER = {
    "version": r"v4", "num_class": r"\d+", "num_tree_per_iteration": r"\d+", "label_index": r"0", "max_feature_idx": r"\d+",
    "objective": r"binary sigmoid:1|regression|multiclass num_class:\d+", "feature_names": r"Column_\d+( Column_\d+)*",
    "feature_infos": r"(none|\[-inf:inf\]|-?\d+(:-?\d+)*)( (none|\[-inf:inf\]|-?\d+(:-?\d+)*))*", "tree_sizes": r"\d+( \d+)*",
}  # fmt: skip
_NUMBER = r"-?(\d+(\.\d+)?(e[-+]?\d+)?)"
_PER_SPLIT = ("split_gain", "internal_value", "internal_weight")
_WHOLE_PER_SPLIT = ("split_feature", "decision_type", "left_child", "right_child", "internal_count")
_PER_LEAF = ("leaf_value", "leaf_weight")
_WHOLE = re.compile(r"(-?\d{1,10}( -?\d{1,10})*)?")
_REAL = re.compile(rf"({_NUMBER}( {_NUMBER})*)?")
_REAL_OR_ENDLESS = re.compile(rf"(({_NUMBER}|-?inf)( ({_NUMBER}|-?inf))*)?")
_KNOWN = {
    *_PER_SPLIT, *_WHOLE_PER_SPLIT, *_PER_LEAF, "leaf_count", "threshold", "num_leaves", "num_cat", "cat_boundaries",
    "cat_threshold", "is_linear", "shrinkage",
}  # fmt: skip
_CATEGORICAL = 1  # bit of decision_type
_TYPES = 16  # decision_type is less: category, default side, and two bits on missing values


def scrubbed(text: str) -> str:
    """Return a booster's text without the smallest and largest value of each column, importances and training settings.

    Thresholds stay: they lie between two values. A prediction does not read what is taken out.
    """
    forest = text[: text.index(_END) + len(_END)]
    return re.sub(r"^feature_infos=(.*)$", _without_ranges, forest, count=1, flags=re.MULTILINE)


def check_forest(text: str, *, features: int, width: int) -> None:
    """Raise ValueError unless `text` is a booster of `features` columns and `width` raw outputs, sound in every tree."""
    head, _, rest = text.partition("\n\n")
    lines = head.split("\n")
    header = _fields(lines[1:])
    _expect(lines[0] == "tree" and set(header) == set(_HEADER), "header")
    for name, pattern in _HEADER.items():
        _expect(re.fullmatch(pattern, header[name]) is not None, name)
    _expect(int(header["max_feature_idx"]) == features - 1, "max_feature_idx")
    _expect(len(header["feature_names"].split(" ")) == len(header["feature_infos"].split(" ")) == features, "feature_names")
    _expect(int(header["num_class"]) == int(header["num_tree_per_iteration"]) == width, "num_class")
    sizes = [int(size) for size in header["tree_sizes"].split(" ")]
    _expect(text.isascii() and len(sizes) % width == 0 and sum(sizes) + len(_END) == len(rest), "tree_sizes")
    start = 0
    for number, size in enumerate(sizes):
        _check_tree(rest[start : start + size], number=number, features=features)
        start += size
    _expect(rest[start:] == _END, "end")


def _check_tree(block: str, *, number: int, features: int) -> None:
    lines = block.rstrip("\n").split("\n")
    _expect(lines[0] == f"Tree={number}" and block.endswith("\n\n"), "tree")
    tree = _fields(lines[1:])
    _expect(set(tree) <= _KNOWN and tree.get("is_linear") == "0", "tree")
    leaves, sets = _whole(tree, "num_leaves", count=1)[0], _whole(tree, "num_cat", count=1)[0]
    _real(tree, "shrinkage", count=1)
    for name in _PER_LEAF[: 1 if leaves == 1 else 2]:
        _real(tree, name, count=leaves)
    if leaves == 1:
        return
    for name in _PER_SPLIT:
        _real(tree, name, count=leaves - 1)
    whole = {name: _whole(tree, name, count=leaves - 1) for name in _WHOLE_PER_SPLIT}
    _whole(tree, "leaf_count", count=leaves)
    _expect(_within(whole["split_feature"], 0, features) and _within(whole["decision_type"], 0, _TYPES), "split_feature")
    _check_children(whole["left_child"], whole["right_child"], leaves=leaves)
    _check_sets(tree, whole["decision_type"] & _CATEGORICAL > 0, sets=sets, splits=leaves - 1)


def _check_children(left: np.ndarray, right: np.ndarray, *, leaves: int) -> None:
    """Each split but the first, and each leaf (stored as -1 - leaf), hangs on one earlier split: no circle, no stranger."""
    children, parents = np.concatenate([left, right]), np.tile(np.arange(leaves - 1), 2)
    wanted = np.concatenate([np.arange(-leaves, 0), np.arange(1, leaves - 1)])
    _expect(np.array_equal(np.sort(children), wanted), "children")
    _expect(bool((children > parents)[children >= 0].all()), "children")


def _check_sets(tree: Mapping[str, str], categorical: np.ndarray, *, sets: int, splits: int) -> None:
    """A split by category has the number of its set of codes as threshold; sets lie in 32-bit words between boundaries."""
    thresholds = _real(tree, "threshold", count=splits, endless=True)
    if sets == 0:
        _expect(not categorical.any() and "cat_threshold" not in tree, "num_cat")
        return
    bounds = _whole(tree, "cat_boundaries", count=sets + 1)
    words = _whole(tree, "cat_threshold", count=int(bounds[-1]))
    _expect(bounds[0] == 0 and bool((np.diff(bounds) > 0).all()) and _within(words, 0, 1 << 32), "cat_boundaries")
    _expect(bool(np.isin(thresholds[categorical], np.arange(sets)).all()), "threshold")


def _fields(lines: list[str]) -> dict[str, str]:
    parts = [line.partition("=") for line in lines]
    found = {name: value for name, sign, value in parts if sign}
    _expect(len(found) == len(lines), "lines")
    return found


def _whole(tree: Mapping[str, str], name: str, *, count: int) -> np.ndarray:
    text = tree.get(name, "-")
    _expect(_WHOLE.fullmatch(text) is not None, name)
    values = np.array(text.split(), np.int64)
    _expect(len(values) == count and bool((values >= 0).all() or name.endswith("child")), name)
    return values


def _real(tree: Mapping[str, str], name: str, *, count: int, endless: bool = False) -> np.ndarray:
    """Return finite numbers; a threshold may be `endless`: "inf" parts the missing cells from all others."""
    text = tree.get(name, "-")
    _expect((_REAL_OR_ENDLESS if endless else _REAL).fullmatch(text) is not None, name)
    values = np.array(text.split(), np.float64)
    _expect(len(values) == count and (endless or bool(np.isfinite(values).all())), name)
    return values


def _within(values: np.ndarray, low: int, high: int) -> bool:
    return bool(((values >= low) & (values < high)).all())


def _without_ranges(match: re.Match[str]) -> str:
    kept = ("[-inf:inf]" if part.startswith("[") else part for part in match.group(1).split(" "))
    return "feature_infos=" + " ".join(kept)


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(f"not a forest: {what}")
