"""The network over sequences."""

from osler.modalities.sequences.network.encoder import SequenceEncoder

__all__ = ["SequenceEncoder"]
