"""The network over a patient's events."""

from osler.modalities.timelines.network.encoder import TimelineEncoder

__all__ = ["TimelineEncoder"]
