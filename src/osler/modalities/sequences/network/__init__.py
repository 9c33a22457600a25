"""The network over sequences."""

from osler.modalities.sequences.network.encoder import SequenceEncoder
from osler.modalities.sequences.network.places import PlaceEncoder

__all__ = ["PlaceEncoder", "SequenceEncoder"]
