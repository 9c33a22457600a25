"""`osler data`: public data sets as ready studies."""

from osler.datasets.registry import entries, get

__all__ = ["entries", "get"]
