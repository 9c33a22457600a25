"""What a split may keep together beside groups."""

from osler.modalities.sequences.keys.together import Keys

__all__ = ["Keys"]
