"""`osler data`: public data sets as ready studies."""

from osler.datasets.folder import get
from osler.datasets.registry import entries

__all__ = ["entries", "get"]
