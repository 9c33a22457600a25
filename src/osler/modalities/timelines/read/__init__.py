"""From sources of events to prepared stores, and from a study's rows to where their events lie."""

from osler.modalities.timelines.read.decide import reading
from osler.modalities.timelines.read.locate import added, digest, locate, own, public, read
from osler.modalities.timelines.read.store import Store, prepared

__all__ = ["Store", "added", "digest", "locate", "own", "prepared", "public", "read", "reading"]
