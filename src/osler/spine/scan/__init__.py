"""Opening any table: text with any delimiter and encoding, Excel, Parquet, Arrow, files of molecules; packed or not.

`open_table` prepares a table of any size once, on disk; `blocks` streams one for prediction; `column_values` gives a role or
target column as an array. Faults of the file raise TableError; rows that the file garbled keep their place, with all cells
null and a Refusal. Row count and order never change; blank lines are no rows.
"""

from osler.spine.scan.qualified import target_columns
from osler.spine.scan.table import blocks, cases_column, open_table, rows_about
from osler.spine.scan.values import column_values

__all__ = ["blocks", "cases_column", "column_values", "open_table", "rows_about", "target_columns"]
