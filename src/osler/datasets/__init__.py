"""Public data sets as ready studies: homes, checksums, converters."""
