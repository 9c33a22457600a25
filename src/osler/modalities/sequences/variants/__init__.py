"""Files of variants: each scored by what it changes, and written again with the scores."""

from osler.modalities.sequences.variants.score import score_variants, window_length

__all__ = ["score_variants", "window_length"]
