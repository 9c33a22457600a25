"""From the text of a cell to RDKit's molecule, or to a refusal that says why without quoting it.

What would take RDKit minutes is refused before RDKit perceives anything: fused rings cost it a power of their number, and chains of
thousands of atoms the fingerprints after it. Both are counted on the bare graph, in microseconds, where the text could hold them at all.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from osler.core.errors import MissingExtra, Refusal, Refused
from osler.modalities.molecules.read.notation import Notation, notation

if TYPE_CHECKING:
    from types import ModuleType

MOST_CYCLES = 60  # independent rings; C60 has 31, and RDKit's time on larger cages is minutes
MOST_PROBLEMS = 3  # of a molecule that are told in RDKit's words
MOST_TEXT = 100_000  # characters of a cell
MANY_ATOMS, MANY_CYCLES, LONG = 150, 20, 100  # beyond it a molecule, or the text of one, is first tried in a process of its own
SHORT, CLOSURES = 300, 60  # characters and digits of a SMILES up to which it needs no look at its bare graph
_NO_DIGITS = str.maketrans("", "", "0123456789")


@functools.cache
def chemistry() -> ModuleType:
    """Return RDKit's `Chem`, which says nothing of its own; raises MissingExtra where it is not installed."""
    try:
        from rdkit import Chem, rdBase
    except ImportError:
        raise MissingExtra(package="RDKit", extra="molecules") from None
    rdBase.DisableLog("rdApp.*")  # its words quote the molecule
    return Chem


def parsed(text: str, *, most_atoms: int) -> Any:
    """Return RDKit's molecule of `text`, its hydrogens implicit; raises Refused."""
    text = text.strip()
    if len(text) > MOST_TEXT:
        raise refused("long", f"the text has more than {MOST_TEXT:,} characters; no small molecule has")
    kind = notation(text)
    if kind == "smiles" and not text.isascii():
        raise refused("characters", "the text has characters that no SMILES has; dashes and brackets may have been typeset")
    if kind != "smiles" or _to_be_looked_at(text):
        _check(_bare(text, kind), most_atoms=most_atoms)
    mol = _whole(text, kind)
    if mol is None:
        raise _why(text, kind)
    _check(mol, most_atoms=most_atoms)
    return mol


def doubtful(text: str, *, reading: Mapping[str, Any]) -> bool:
    """Return whether reading `text` may keep RDKit busy for long, though it is within the limits: by its size and its rings on the bare
    graph, by its length where tautomers are looked for or where the graph itself is RDKit's work (InChI)."""
    text = text.strip()
    kind = notation(text)
    if kind == "inchi" or reading["tautomers"] == "canonical":
        return LONG < len(text) <= MOST_TEXT
    if len(text) > MOST_TEXT or (kind == "smiles" and (not text.isascii() or not _to_be_looked_at(text))):
        return False
    try:
        bare = _bare(text, kind)
    except Refused:
        return False
    atoms, bonds = bare.GetNumAtoms(), bare.GetNumBonds()
    within = atoms <= int(reading["most_atoms"]) and bonds - atoms <= MOST_CYCLES
    return within and (atoms > MANY_ATOMS or bonds - atoms > MANY_CYCLES)


def _to_be_looked_at(text: str) -> bool:
    return len(text) > SHORT or len(text) - len(text.translate(_NO_DIGITS)) > CLOSURES


def refused(code: str, sentence: str, *, detail: str = "") -> Refused:
    """Return what is raised; `detail` are RDKit's own words."""
    return Refused(Refusal(code, sentence, detail=detail))


def _whole(text: str, kind: Notation) -> Any:
    Chem = chemistry()  # noqa: N806  RDKit's own name
    if kind == "smiles":
        return Chem.MolFromSmiles(text)
    return Chem.MolFromInchi(text) if kind == "inchi" else Chem.MolFromMolBlock(_headed(text))


def _bare(text: str, kind: Notation) -> Any:
    """Return the graph alone, in which nothing was perceived; raises Refused where the text is none."""
    Chem = chemistry()  # noqa: N806
    if kind == "smiles":
        bare = Chem.MolFromSmiles(text, sanitize=False)
    elif kind == "inchi":
        bare = Chem.MolFromInchi(text, sanitize=False, removeHs=False)
    elif "M  END" not in text:
        raise refused("cut_off", "the molfile is cut off: its last line, M  END, is missing")
    else:
        bare = Chem.MolFromMolBlock(_headed(text), sanitize=False, removeHs=False)
    if bare is None:
        name = {"smiles": "SMILES", "inchi": "InChI", "molfile": "molfile"}[kind]
        raise refused(f"no_{kind}", f"the text is no {name} that RDKit can read")
    return bare


def _headed(text: str) -> str:
    """Return a molfile whose counts line is the fourth: white space at the head of a cell may have been cut off."""
    lines = text.splitlines()
    at = next((n for n, line in enumerate(lines) if "V2000" in line or "V3000" in line), 3)
    return "\n".join([*[""] * max(0, 3 - at), *lines[max(0, at - 3) :]])


def _check(mol: Any, *, most_atoms: int) -> None:
    atoms, bonds = mol.GetNumAtoms(), mol.GetNumBonds()
    if atoms == 0:
        raise refused("empty", "the molecule has no atom")
    if atoms > most_atoms:
        raise refused("large", f"the molecule has more than {most_atoms} atoms; this is for small molecules")
    if bonds - atoms > MOST_CYCLES:
        raise refused("rings", f"the molecule has more than {MOST_CYCLES} rings joined to one another, which take RDKit minutes")
    if mol.HasQuery():
        raise refused("query", "the text is a pattern to search with (SMARTS, a list of elements), no molecule")


def _why(text: str, kind: Notation) -> Refused:
    """Return why RDKit refused a molecule, in our words: its own may quote the text, and are the detail."""
    try:
        problems = chemistry().DetectChemistryProblems(_bare(text, kind))
    except Refused as found:
        return found
    kinds = {problem.GetType() for problem in problems}
    detail = "; ".join(["RDKit: " + problem.Message().strip() for problem in problems][:MOST_PROBLEMS])
    if "AtomValenceException" in kinds:
        return refused("valence", "an atom has more bonds than its element can have", detail=detail)
    if kinds & {"KekulizeException", "AtomKekulizeException"}:
        return refused(
            "aromatic", "no single and double bonds can be given to its aromatic atoms; a hydrogen may be missing", detail=detail
        )
    return refused("chemistry", "RDKit finds no molecule in it that can exist", detail=detail)
