"""What a split may keep together beside groups, and how alike two molecules are."""

from osler.modalities.molecules.keys.together import Keys

__all__ = ["Keys"]
