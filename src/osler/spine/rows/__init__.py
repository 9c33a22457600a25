"""Writing tables of predictions: in blocks, whole or not at all, resumable.

`open_writer` writes one file of the format that its name ends in; `Parts` keeps finished blocks beside it, so that a killed run
goes on where it was. `Best` are the best rows of a very long output.
"""

from osler.spine.rows.best import Best
from osler.spine.rows.parts import Parts
from osler.spine.rows.writer import Writer, is_table_name, open_writer

__all__ = ["Best", "Parts", "Writer", "is_table_name", "open_writer"]
