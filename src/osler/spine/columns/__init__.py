"""Read once, in shards, in parallel, into memory-mapped columns that are cached."""

from osler.spine.columns.ledger import Ledger
from osler.spine.columns.shards import read_columns

__all__ = ["Ledger", "read_columns"]
