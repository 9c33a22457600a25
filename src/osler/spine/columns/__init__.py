"""Read once, in shards, in parallel, into memory-mapped columns that are cached."""

from osler.spine.columns.ahead import Asked, block_cases, grid_cases, read_ahead
from osler.spine.columns.ledger import Ledger
from osler.spine.columns.shards import read_columns

__all__ = ["Asked", "Ledger", "block_cases", "grid_cases", "read_ahead", "read_columns"]
