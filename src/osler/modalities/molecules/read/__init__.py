"""From cells to molecules; the only home of RDKit's parsers."""

from osler.modalities.molecules.read.cells import digest, locate
from osler.modalities.molecules.read.decide import reading
from osler.modalities.molecules.read.molecule import read
from osler.modalities.molecules.read.notation import recognises

__all__ = ["digest", "locate", "read", "reading", "recognises"]
