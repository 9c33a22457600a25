"""Finished blocks kept beside the output, so that a killed run goes on where it was."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from osler.core.disk import telling, whole
from osler.spine.rows.best import Best
from osler.spine.rows.frame import frame
from osler.spine.rows.writer import check_ending, open_writer

_BATCH = 65536  # rows read at a time when parts are joined
_COUNTS = b"osler.counts"  # in the metadata of a part


class Parts:
    """The blocks of one output file, in `<out>.parts/`, each written whole.

    `key` stands for everything that the rows depend on (bundle, table, options): parts of another key are thrown away.
    The folder is the user's own, since it holds single cases. As a context, it is removed where an error ends the work before a block
    was finished: nothing could be taken up. Raises RequestError as `open_writer` does.
    """

    def __init__(self, out: Path, *, key: str) -> None:
        check_ending(out)
        self.out = out
        self.folder = out.with_name(f"{out.name}.parts")
        self._begin(key)
        self._done = sum(1 for _ in itertools.takewhile(_readable, map(self._part, itertools.count())))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if not self._done:
            shutil.rmtree(self.folder, ignore_errors=True)

    def done(self) -> int:
        """Return the number of finished blocks from the first on: the next `write` is block `done()`."""
        return self._done

    def write(self, columns: Mapping[str, np.ndarray | pa.Array], *, counts: Mapping[str, int] | None = None) -> None:
        """Write the next block: columns by name, each (n,); and `counts` of what it was made from."""
        rows = frame(columns)
        if counts:
            rows = rows.replace_schema_metadata({_COUNTS: json.dumps(dict(counts)).encode()})
        with whole(self._part(self._done)) as temporary, temporary.open("wb") as file:
            pq.write_table(rows, file)
        self._done += 1

    def counts(self) -> dict[str, int]:
        """Return the sums of the counts of all blocks."""
        found: dict[str, int] = {}
        for number in range(self._done):
            held = (pq.read_schema(self._part(number)).metadata or {}).get(_COUNTS)
            for name, count in json.loads(held).items() if held else ():
                found[name] = found.get(name, 0) + int(count)
        return found

    def join(self, *, best: Best | None = None) -> None:
        """Write all blocks, or the `best` rows of all, to the output file in its format, which then appears whole, and remove the
        parts."""
        schema = self._schema()
        with open_writer(self.out, schema=schema) as writer:
            for rows in self._rows() if best is None else self._best(best, schema):
                writer.write_table(_filled(rows, schema))
        shutil.rmtree(self.folder, ignore_errors=True)

    def _best(self, best: Best, schema: pa.Schema | None) -> Iterator[pa.Table]:
        """Yield the best rows of all blocks at once; memory holds twice as many and a batch."""
        held: pa.Table | None = None
        for rows in self._rows():
            new = _filled(rows, schema).cast(schema)
            held = new if held is None else pa.concat_tables([held, new])
            held = best.of_table(held) if len(held) > 2 * best.most else held
        if held is not None:
            yield best.of_table(held)

    def _begin(self, key: str) -> None:
        mark = self.folder / "key"
        with telling(self.out):
            if self.folder.is_dir() and not (mark.is_file() and mark.read_bytes() == key.encode()):
                shutil.rmtree(self.folder)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            if not mark.is_file():
                with whole(mark) as temporary:
                    temporary.write_bytes(key.encode())

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.parquet"

    def _schema(self) -> pa.Schema | None:
        """Return the one that holds every block: a column of whole numbers in one and fractions in another has fractions. Columns
        stand in the order of the block that has most: one of which every case was refused may lack some."""
        schemas = [pq.read_schema(self._part(number)) for number in range(self._done)]
        schemas.sort(key=len, reverse=True)
        return pa.unify_schemas([s.remove_metadata() for s in schemas], promote_options="permissive") if schemas else None

    def _rows(self) -> Iterator[pa.Table]:
        for number in range(self._done):
            with pq.ParquetFile(self._part(number)) as file:
                for batch in file.iter_batches(batch_size=_BATCH):
                    yield pa.Table.from_batches([batch])


def _filled(rows: pa.Table, schema: pa.Schema | None) -> pa.Table:
    """Return the rows with every column of the schema, in its order; those that they lack are empty."""
    if schema is None or rows.column_names == schema.names:
        return rows
    held = set(rows.column_names)
    columns = [rows.column(f.name) if f.name in held else pa.nulls(len(rows), f.type) for f in schema]
    return pa.table(columns, names=schema.names)


def _readable(part: Path) -> bool:
    """Whether the part is there and complete: its footer is written last."""
    try:
        pq.read_metadata(part)
    except (OSError, pa.ArrowException):
        return False
    return True
