"""Public data sets as ready studies: homes, checksums, converters."""

from osler.datasets.folder import get
from osler.datasets.registry import Entry, entries

__all__ = ["Entry", "entries", "get"]
