"""Batches of molecules: one flat graph, with the lists along which messages are summed; no loop over molecules or atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osler.core.columns import Columns, Ragged
from osler.modalities.molecules.case import ATOMS, BONDS, DESCRIPTORS, ENDS

if TYPE_CHECKING:
    from torch import Tensor

# Fields of a batch of B molecules, a atoms, b bonds; e = 2 b directed bonds: the bond j from its first to its second end, and as j + b
# the other way. What many atoms (bonds) share, their line of features, is held once.
ATOM_KINDS, ATOM_KIND = "atom_kinds", "atom_kind"  # (u, 8) uint8 distinct lines of atoms; (a,) int32 which is whose
BOND_KINDS, BOND_KIND = "bond_kinds", "bond_kind"  # (v, 4) uint8; (b,) int32
SOURCE = "source"  # (e,) int32: the atom where each directed bond begins
# each distinct pair of the kinds of that atom and of the bond, (p,) int32
BEGINS_ATOM, BEGINS_BOND = "begins.atom", "begins.bond"
BEGINS = "begins"  # (e,) int32: which of these pairs each directed bond is
ALIKE, ALIKE_STARTS = "alike", "alike.starts"  # directed bonds that are each of (p,)
FEEDS, FEEDS_STARTS = "feeds", "feeds.starts"  # directed bonds that lead to where each of (e,) begins, but its own reverse
FED, FED_STARTS = "fed", "fed.starts"  # the same turned around
INTO, INTO_STARTS = "into", "into.starts"  # directed bonds that lead to each of (a,)
TARGET = "target"  # (e,) int32: the atom where each directed bond ends
ATOM_STARTS = "atom.starts"  # (B + 1,) int32: where each molecule's atoms begin
BOND_STARTS = "bond.starts"  # (B + 1,) int32
MOLECULE = "molecule"  # (a,) int32: whose each atom is


def gather(columns: Columns, rows: np.ndarray, *, names: Sequence[str]) -> dict[str, Tensor]:
    """Return the molecules `rows` as one graph, and their DESCRIPTORS (B, d) where `names` holds them."""
    import torch

    atoms, bonds, ends = (_ragged(columns, name).take(rows) for name in (ATOMS, BONDS, ENDS))
    found = graph(atoms, bonds, ends)
    if DESCRIPTORS in names:
        dense = columns[DESCRIPTORS]
        assert isinstance(dense, np.ndarray)
        found[DESCRIPTORS] = np.ascontiguousarray(dense[rows])
    return {name: torch.from_numpy(values) for name, values in found.items()}


def graph(atoms: Ragged, bonds: Ragged, ends: Ragged) -> dict[str, np.ndarray]:
    """Return the fields of a batch from the lines of its molecules."""
    sizes = np.diff(atoms.offsets)
    joined = ends.values.astype(np.int64) + np.repeat(atoms.offsets[:-1], np.diff(ends.offsets))[:, None]
    atom_kinds, atom_kind = _kinds(atoms.values)
    bond_kinds, bond_kind = _kinds(bonds.values)
    found = {
        ATOM_KINDS: atom_kinds,
        ATOM_KIND: atom_kind,
        BOND_KINDS: bond_kinds,
        BOND_KIND: bond_kind,
        ATOM_STARTS: atoms.offsets,
        BOND_STARTS: bonds.offsets,
        MOLECULE: np.repeat(np.arange(len(sizes)), sizes),
        **(way := routes(joined, atoms=len(atoms.values))),
        **begins(atom_kind[way[SOURCE]], np.concatenate([bond_kind, bond_kind])),
    }
    return {name: values if values.dtype == np.uint8 else values.astype(np.int32) for name, values in found.items()}


def routes(joined: np.ndarray, *, atoms: int) -> dict[str, np.ndarray]:
    """Return where directed bonds begin and end, and who hears whom, of bonds that join (b, 2) some of `atoms` atoms."""
    bonds = len(joined)
    source, target = np.concatenate([joined[:, 0], joined[:, 1]]), np.concatenate([joined[:, 1], joined[:, 0]])
    into = np.argsort(target, kind="stable")
    degree = np.bincount(target, minlength=atoms)
    starts = np.cumsum(degree) - degree
    back = (np.arange(2 * bonds) + bonds) % max(2 * bonds, 1)  # the reverse of each directed bond
    heard = into[_ranges(starts[source], degree[source])]
    others = degree[source] - 1
    feeds = heard[heard != np.repeat(back, degree[source])]
    # whom a bond feeds: the reverses of what feeds its reverse
    first = np.cumsum(others) - others
    fed = back[feeds[_ranges(first[back], others[back])]]
    fed_starts = np.cumsum(others[back]) - others[back]
    return {
        SOURCE: source, TARGET: target, FEEDS: feeds, FEEDS_STARTS: first, FED: fed, FED_STARTS: fed_starts, INTO: into,
        INTO_STARTS: starts,
    }  # fmt: skip


def begins(atom: np.ndarray, bond: np.ndarray) -> dict[str, np.ndarray]:
    """Return the distinct pairs of the kinds (e,) of `atom` where directed bonds begin and of their `bond`, and which is whose."""
    most = int(bond.max(initial=0)) + 1
    numbers = atom.astype(np.int64) * most + bond
    count = np.bincount(numbers)  # 15 µs of a batch of 64, np.unique 138
    pairs, kind = np.flatnonzero(count), (np.cumsum(count > 0) - 1)[numbers]
    return {
        BEGINS_ATOM: pairs // most, BEGINS_BOND: pairs % most, BEGINS: kind, ALIKE: np.argsort(kind, kind="stable"),
        ALIKE_STARTS: np.cumsum(count[pairs]) - count[pairs],
    }  # fmt: skip


def _kinds(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct lines (u, f) and which of them each of `lines` (n, f) uint8 is."""
    padded = np.zeros((len(lines), 8), np.uint8)
    padded[:, : lines.shape[1]] = lines
    _, first, kind = np.unique(padded.view(np.uint64)[:, 0], return_index=True, return_inverse=True)
    return np.ascontiguousarray(lines[first]), kind


def _ranges(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Return the integers of [start, start + length) of each, behind one another."""
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts - (ends - lengths), lengths)


def _ragged(columns: Columns, name: str) -> Ragged:
    array = columns[name]
    assert isinstance(array, Ragged)
    return array
