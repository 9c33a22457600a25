"""What explanations need of a molecule: its structure and its descriptors apart, and a drawing coloured by what atoms and bonds add.

It is drawn from the columns alone, so that no SMILES need be kept: RDKit lays the atoms out (Coordgen is not used), lines are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from osler.core.attribution import Feature
from osler.core.columns import Columns, Ragged
from osler.modalities.molecules.case import ATOM, ATOMS, BOND, BONDS, CHARGE, DESCRIPTORS, ENDS

UNIT, EDGE = 26.0, 22.0  # a bond's length and the margin, in the drawing's own units
LARGEST = 640.0  # along a side: a peptide is drawn smaller
GLOW, BAND = 11.0, 9.0  # radius of the colour behind an atom, and width of that behind a bond
LEGEND, SLOT = 34, 56.0  # its height, and the width that one of its numbers wants
FOR, AGAINST = "#d55e00", "#0072b2"  # told apart by colour-blind readers (Okabe and Ito 2008)
OPAQUE = 0.8
_STEPS = (-1.0, -0.5, 0.5, 1.0)  # of the strongest, shown in the legend
_CARBON, _ELEMENT, _HYDROGENS, _CHARGED = 6, *(list(ATOM).index(name) for name in ("element", "hydrogens", "charge"))
_DOUBLE, _TRIPLE, _AROMATIC = 2, 3, 4
_TYPE = list(BOND).index("type")

FEATURES = (
    Feature("structure"),
    Feature("descriptors"),
)  # atoms, bonds and counts of parts; and what tells of the whole molecule


def explain(attribution: np.ndarray) -> Mapping[str, Any]:
    """Return under "features" what the structure and what the descriptors add (2,): a drawing shows the first alone."""
    return {"features": [{"name": one.name, "attribution": float(attribution[at])} for at, one in enumerate(FEATURES)]}


def changed(columns: Columns, *, feature: int, values: np.ndarray) -> Columns:
    """Return the columns in which each case has the structure, or the descriptors, of the row that `values` (n,) names; a case that
    lends from an absent one keeps its own."""
    lent = np.where(columns.present[values], values, np.arange(len(columns)))
    other = columns.take(lent)
    taken = {n for n in columns.arrays if (n == DESCRIPTORS) == (FEATURES[feature].name == DESCRIPTORS)}
    arrays = {name: other[name] if name in taken else array for name, array in columns.arrays.items()}
    return replace(columns, arrays=arrays)


@dataclass(frozen=True, slots=True)
class Sketch:
    """A molecule on paper: `places` (a, 2) in the drawing's units, `size` (wide, high), and its lines of `atoms`, `bonds`, `ends`."""

    places: np.ndarray
    size: tuple[float, float]
    atoms: np.ndarray
    bonds: np.ndarray
    ends: np.ndarray


def picture(columns: Columns, row: int, *, layers: Mapping[str, np.ndarray]) -> str | None:
    """Return an SVG of the molecule `row`, None where it is absent.

    With the layer "attribution", as it is lifted (one number for each atom, then for each bond, the rest is not drawn), what speaks
    for the prediction is orange and what speaks against it blue, the stronger the more opaque; the dots below tell the strongest.
    """
    if not columns.present[row]:
        return None
    found = sketch(columns, row)
    wide, high = found.size
    marks, foot = [], 0
    if "attribution" in layers:
        adds = np.asarray(layers["attribution"], float).reshape(-1)[: len(found.atoms) + len(found.bonds)]
        strongest = float(np.abs(adds).max(initial=0.0))
        if strongest > 0:
            foot = LEGEND
            marks = [*_glows(found, adds / strongest), *_legend(wide, high, strongest)]
    lines = [_bond(found, bond) for bond in range(len(found.bonds))]
    labels = [_label(found, atom) for atom in range(len(found.atoms))]
    broad = max(wide, SLOT * len(_STEPS)) if foot else wide  # a small molecule stands in the middle above its legend
    box = f'viewBox="{(wide - broad) / 2:.0f} 0 {broad:.0f} {high + foot:.0f}" width="{broad:.0f}" height="{high + foot:.0f}"'
    parts = "".join([*marks, *lines, *labels])
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="picture molecule" {box} role="img">{parts}</svg>'


def sketch(columns: Columns, row: int) -> Sketch:
    """Return where the atoms of a molecule lie on paper."""
    atoms, bonds, ends = (_lines(columns, name, row) for name in (ATOMS, BONDS, ENDS))
    raw = _laid_out(atoms, bonds, ends)
    raw = raw * [1, -1]  # RDKit counts upwards
    span = np.ptp(raw, axis=0)
    unit = min(UNIT, (LARGEST - 2 * EDGE) / max(float(span.max()), 1e-6))
    wide, high = np.maximum(span * unit + 2 * EDGE, 4 * EDGE).tolist()
    places = (raw - raw.min(axis=0) - span / 2) * unit + [wide / 2, high / 2]
    return Sketch(places, (wide, high), atoms, bonds, ends)


def _lines(columns: Columns, name: str, row: int) -> np.ndarray:
    array = columns[name]
    assert isinstance(array, Ragged)
    return np.asarray(array[row]).astype(np.int64)


def _laid_out(atoms: np.ndarray, bonds: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return coordinates (a, 2) in units of about one bond's length."""
    from rdkit import Chem
    from rdkit.Chem import rdDepictor

    mol = Chem.RWMol()
    for element in atoms[:, _ELEMENT].tolist():
        mol.AddAtom(Chem.Atom(element))
    kinds = {_DOUBLE: Chem.BondType.DOUBLE, _TRIPLE: Chem.BondType.TRIPLE, _AROMATIC: Chem.BondType.AROMATIC}
    for kind, (first, second) in zip(bonds[:, _TYPE].tolist(), ends.tolist(), strict=True):
        mol.AddBond(first, second, kinds.get(kind, Chem.BondType.SINGLE))
    mol.UpdatePropertyCache(strict=False)
    Chem.FastFindRings(mol)
    rdDepictor.Compute2DCoords(mol)
    return np.asarray(mol.GetConformer().GetPositions())[:, :2] / 1.5


def _glows(found: Sketch, shares: np.ndarray) -> list[str]:
    """Return the colours behind bonds and atoms; `shares` (a + b,) of the strongest."""
    count = len(found.atoms)
    parts = []
    for (first, second), share in zip(found.ends.tolist(), shares[count:].tolist(), strict=True):
        (x, y), (u, v) = found.places[first], found.places[second]
        look = f'stroke="{_colour(share)}" stroke-opacity="{OPAQUE * abs(share):.2f}" stroke-width="{BAND}"'
        parts += [f'<path d="M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}" {look}/>'] if abs(share) >= 0.01 else []
    for (x, y), share in zip(found.places.tolist(), shares[:count].tolist(), strict=True):
        look = f'fill="{_colour(share)}" fill-opacity="{OPAQUE * abs(share):.2f}"'
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{GLOW}" {look}/>'] if abs(share) >= 0.01 else []
    return parts


def _colour(share: float) -> str:
    return FOR if share > 0 else AGAINST


def _legend(wide: float, high: float, strongest: float) -> list[str]:
    parts = []
    slot = max(SLOT, (wide - EDGE) / len(_STEPS))
    for place, share in enumerate(_STEPS):
        x = wide / 2 + (place - (len(_STEPS) - 1) / 2) * slot
        look = f'fill="{_colour(share)}" fill-opacity="{OPAQUE * abs(share):.2f}"'
        parts.append(f'<circle cx="{x:.1f}" cy="{high + 8:.1f}" r="6" {look}/>')
        parts.append(_text(x, high + 28, f"{share * strongest:+.2g}".replace("-", "−")))
    return parts


def _bond(found: Sketch, bond: int) -> str:
    """Return the line, or lines, of a bond, which end before a letter."""
    first, second = found.ends[bond]
    start, end = found.places[first], found.places[second]
    way = end - start
    length = float(np.hypot(*way)) or 1.0
    way = way / length
    gaps = [7.0 if _named(found, atom) else 0.0 for atom in (first, second)]
    start, end = start + way * gaps[0], end - way * gaps[1]
    aside = np.array([-way[1], way[0]]) * 2.2
    kind = int(found.bonds[bond, _TYPE])
    if kind == _DOUBLE:
        return _line(start + aside, end + aside) + _line(start - aside, end - aside)
    if kind == _TRIPLE:
        return _line(start, end) + _line(start + 1.6 * aside, end + 1.6 * aside) + _line(start - 1.6 * aside, end - 1.6 * aside)
    if kind == _AROMATIC:
        inward = aside * 1.9 * _side(found, int(first), int(second), aside)
        return _line(start, end) + _line(start + inward + 3 * way, end + inward - 3 * way, dashed=True)
    return _line(start, end)


def _side(found: Sketch, first: int, second: int, aside: np.ndarray) -> float:
    """Return on which side of a bond, 1 or -1, more of what its atoms are bound to lies: inside its ring."""
    middle = (found.places[first] + found.places[second]) / 2
    near = np.isin(found.ends, [first, second]).any(axis=1)
    around = np.unique(found.ends[near])
    return 1.0 if float(((found.places[around] - middle) @ aside).sum()) >= 0 else -1.0


def _named(found: Sketch, atom: int) -> bool:
    """Return whether an atom has letters: all but uncharged carbons that are bound to something."""
    plain = found.atoms[atom, _ELEMENT] == _CARBON and found.atoms[atom, _CHARGED] == CHARGE
    return not (plain and len(found.atoms) > 1)


def _label(found: Sketch, atom: int) -> str:
    if not _named(found, atom):
        return ""
    from rdkit import Chem

    line = found.atoms[atom]
    hydrogens, charge = int(line[_HYDROGENS]), int(line[_CHARGED]) - CHARGE
    symbol = Chem.GetPeriodicTable().GetElementSymbol(int(line[_ELEMENT]))
    small = '<tspan font-size="7" dy="{}">{}</tspan>'
    told = symbol + ("H" if hydrogens else "") + (small.format(3, hydrogens) if hydrogens > 1 else "")
    if charge:
        sign = ("" if abs(charge) == 1 else str(abs(charge))) + ("+" if charge > 0 else "−")
        told += small.format(-8 if hydrogens > 1 else -5, sign)
    x, y = found.places[atom]
    return _text(float(x), float(y) + 4, told)


def _line(start: np.ndarray, end: np.ndarray, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="3 2"' if dashed else ""
    ends = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {ends} stroke="currentColor" stroke-width="1.3" stroke-linecap="round"{dash}/>'


def _text(x: float, y: float, told: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="11" text-anchor="middle" fill="currentColor">{told}</text>'
