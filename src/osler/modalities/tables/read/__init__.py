"""From a table to rows: where they lie, what their cells say, how each column is read."""

from osler.modalities.tables.read.rows import digest, locate, own, read, reading, rows_of

__all__ = ["digest", "locate", "own", "read", "reading", "rows_of"]
