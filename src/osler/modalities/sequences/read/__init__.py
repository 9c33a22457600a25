"""From cells to letters."""

from osler.modalities.sequences.read.cells import digest, locate
from osler.modalities.sequences.read.decide import reading, recognises
from osler.modalities.sequences.read.letters import read

__all__ = ["digest", "locate", "read", "reading", "recognises"]
