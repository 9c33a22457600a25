"""Events on their way into a store: taken in any order, put down in drawers, and each drawer sorted by itself.

Memory holds one piece and one drawer at a time. A subject's events share a drawer, and drawers ascend with the subjects'
hashes, so that the sorted drawers behind one another are the sorted whole.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from osler.core.errors import TableError
from osler.core.hashing import word_hash
from osler.modalities.timelines.case import ALWAYS, BIRTH, DEATH, IMPOSSIBLE, PARTED, Piece
from osler.modalities.timelines.read.texts import LONG, NUMBER, WORD, read_texts

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

RECORD = np.dtype(
    [("subject", "<i8"), ("time", "<i8"), ("code", "<i4"), ("value", "<f4"), ("unit", "<i2"), ("text", "<u4")]
)  # fmt: skip
DRAWERS = 64
LONGEST = 500  # characters of a code or a unit
MOST_UNITS = (1 << 15) - 1
NO_SUBJECT, NO_CODE, DUPLICATE = "no subject", "no code", "exact duplicate of another event"
NO_BIRTHDAY, NO_DEATHDAY = "birth without a date", "death without a date"
TOO_LARGE = "number too large to be a measurement"
FEW_UNITS = "unit beyond the first 32,767"


class Spool:
    """Takes pieces in; gives events out in order."""

    def __init__(self, folder: Path) -> None:
        self.subjects: dict[str, int] = {}
        self.codes: dict[tuple[str, str | None], int] = {}
        self.units: dict[str, int] = {"": 0}
        self.refused: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self._paths = [folder / f"drawer{n}.bin" for n in range(DRAWERS)]
        self._files: list[IO[bytes]] = [path.open("wb") for path in self._paths]

    def close(self) -> None:
        """Close and remove the drawers."""
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            path.unlink(missing_ok=True)

    def take(self, piece: Piece) -> None:
        """Put the events of a piece down."""
        self.refused.update(piece.refused)
        rows = piece.rows
        if not len(rows):
            return
        subject, no_subject = self._subjects(rows.column("subject"))
        codes, code, no_code = _named(rows.column("code"))
        codes = [shown(text) for text in codes]
        records = np.zeros(len(rows), RECORD)
        records["subject"] = subject
        records["time"] = _times(rows.column("time"))
        self._values(records, rows, codes=codes, code=code)
        records["unit"] = np.where(
            np.isnan(records["value"]) & (records["value"].view(np.uint32) != IMPOSSIBLE), 0, records["unit"]
        )
        nowhere = (records["time"] == ALWAYS) & ~(no_subject | no_code)
        unborn = _named_births(codes)[code] & nowhere
        # what has no time is known at any time: of a death that would tell the outcome before it came
        undying = _named_deaths(codes)[code] & nowhere
        kept = ~(no_subject | no_code | unborn | undying)
        lost = ((NO_SUBJECT, no_subject), (NO_CODE, no_code & ~no_subject), (NO_BIRTHDAY, unborn), (NO_DEATHDAY, undying))
        for why, bad in lost:
            self.refused[why] += int(bad.sum())
        self._put(records if kept.all() else records[kept])

    def _subjects(self, column: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
        texts, index, missing = _named(column)
        known = self.subjects
        hashes = np.fromiter((known.get(t) or known.setdefault(t, word_hash(t)) for t in texts), np.int64, len(texts))
        return hashes[index], missing

    def _values(self, records: np.ndarray, rows: pa.Table, *, codes: list[str], code: np.ndarray) -> None:
        """Fill in value, unit, and code with the word that stands for a value."""
        value = np.array(rows.column("value").to_numpy(), np.float64)
        units, unit, _ = _named(rows.column("unit"))
        own = np.array([self._unit(shown(u)) for u in units] or [0], np.int64)
        records["unit"] = own[unit]
        texts, index = _distinct(rows.column("text"))
        word = np.full(len(rows), -1)
        if len(texts):
            read = read_texts(texts)
            plain = np.isnan(value) & (index >= 0)
            kind = np.where(plain, read.kinds[index], 0)
            value = np.where(kind == NUMBER, read.numbers[index], value)
            self.told.update(read.counted(index[kind == NUMBER]))
            of_text = np.array([self._unit(u) if u else 0 for u in read.units.tolist()], np.int64)
            records["unit"] = np.where((kind == NUMBER) & (records["unit"] == 0), of_text[index], records["unit"])
            word[kind == WORD] = index[kind == WORD]
            word[_named_births(codes)[code]] = -1  # a birth is one whatever is said of it
            if (kind == LONG).any():
                records["text"] = np.where(kind == LONG, read.hashes[index], 0)
        records["code"] = self._codes(codes, code, words=texts, word=word)
        with np.errstate(over="ignore"):
            short = value.astype(np.float32)
        short[np.isnan(short)] = np.nan
        endless = np.isinf(short)
        short.view(np.uint32)[endless] = IMPOSSIBLE
        self.told[TOO_LARGE] += int(endless.sum())
        records["value"] = short

    def _unit(self, text: str) -> int:
        if text in self.units or len(self.units) < MOST_UNITS:
            return self.units.setdefault(text, len(self.units))
        self.told[FEW_UNITS] += 1
        return 0

    def _codes(self, codes: list[str], code: np.ndarray, *, words: pl.Series, word: np.ndarray) -> np.ndarray:
        """Return the number of each event's code; a word makes a code of its own."""
        known = self.codes
        bare = word < 0
        used = np.unique(code[bare])
        number = np.zeros(len(codes) + 1, np.int32)
        number[used] = [known.setdefault((codes[c], None), len(known)) if codes[c] else 0 for c in used]
        out = number[code]
        if not bare.all():
            width = len(words) + 1
            pairs, place = np.unique(code[~bare] * width + word[~bare], return_inverse=True)
            # a word keeps no "//", so that the last one of a code always stands before its word
            parted = [
                (codes[p // width], shown(str(words[int(p % width)]).strip()).replace(PARTED, "/ /")) for p in pairs.tolist()
            ]
            out[~bare] = np.array([known.setdefault(pair, len(known)) for pair in parted], np.int32)[place]
        return out

    def _put(self, records: np.ndarray) -> None:
        drawer = (records["subject"] >> 58) + DRAWERS // 2
        order = np.argsort(drawer.astype(np.uint8), kind="stable")
        ordered, ends = records[order], np.cumsum(np.bincount(drawer, minlength=DRAWERS))
        for n, file in enumerate(self._files):
            start = ends[n - 1] if n else 0
            if ends[n] > start:
                ordered[start : ends[n]].tofile(file)

    def names(self) -> list[str]:
        """Return the words of the codes by number: the code, and behind "//" the word that is its value.

        Where a source has both a code "a//b" and a code "a" with the word "b", the word stands in brackets.
        """
        taken = {code for code, word in self.codes if word is None}
        names = []
        for code, word in self.codes:
            name = code if word is None else f"{code}{PARTED}{word}"
            while word is not None and name in taken:
                word = f"({word})"  # noqa: PLW2901
                name = f"{code}{PARTED}{word}"
            taken.add(name)
            names.append(name)
        return names

    def sorted(self) -> Iterator[np.ndarray]:
        """Yield the events of one drawer after the other, by subject, time and then the order in which they came."""
        if len(set(self.subjects.values())) != len(self.subjects):
            raise TableError("two subjects have the same hash, which happens once in 10^7 sources; rename one of them")
        for file, path in zip(self._files, self._paths, strict=True):
            file.close()
            records = np.fromfile(path, RECORD)
            path.unlink()
            if len(records):
                records = records[np.lexsort((records["time"], records["subject"]))]
                kept = _first_of_equal(records)
                self.refused[DUPLICATE] += int(len(records) - kept.sum())
                yield records if kept.all() else records[kept]


def _first_of_equal(records: np.ndarray) -> np.ndarray:
    """Return which of sorted records equal no earlier one."""
    begins = np.ones(len(records), bool)
    begins[1:] = (np.diff(records["subject"]) != 0) | (np.diff(records["time"]) != 0)
    moment = np.cumsum(begins)
    bits = records["value"].view(np.uint32).astype(np.int64) if records["value"].flags.contiguous else _bits(records["value"])
    key = _mixed(moment, records["code"], bits, records["unit"], records["text"])
    if not (np.diff(np.sort(key)) == 0).any():
        return np.ones(len(records), bool)
    order = np.argsort(key, kind="stable")
    again = np.zeros(len(records), bool)
    ordered, at = records[order], moment[order]
    same = (key[order][1:] == key[order][:-1]) & (at[1:] == at[:-1])
    for name in ("code", "unit", "text"):
        same &= ordered[name][1:] == ordered[name][:-1]
    same &= _bits(ordered["value"])[1:] == _bits(ordered["value"])[:-1]
    again[order[1:][same]] = True
    return ~again


def _bits(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values).view(np.uint32).astype(np.int64)


def _mixed(*parts: np.ndarray) -> np.ndarray:
    """Return a key (n,) uint64 by which equal tuples are equal and others all but surely differ."""
    key = np.zeros(len(parts[0]), np.uint64)
    for part in parts:
        key = (key ^ part.astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key


def _times(column: pa.ChunkedArray) -> np.ndarray:
    import pyarrow as pa

    return np.asarray(column.cast(pa.int64()).fill_null(ALWAYS).to_numpy(), np.int64)


def _named(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return distinct trimmed texts, the place (n,) of each cell's (of the last, "", where empty), and where cells are empty."""
    texts, index = _distinct(column)
    names = [t.strip() for t in texts.to_list()] + [""]
    index = np.where(index < 0, len(names) - 1, index)
    empty = np.array([not name for name in names], bool)
    return names, index, empty[index]


def shown(text: str) -> str:
    r"""Return a name as a page and a terminal may show it: signs without a shape are written out, what is very long is cut and
    told apart by its hash.

    >>> shown("HR"), shown("a\0b\n"), len(shown("x" * 100_000))
    ('HR', 'a\\x00b ', 501)
    """
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() else " " if sign.isspace() else _escaped(sign) for sign in text)
    if len(text) <= LONGEST:
        return text
    mark = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: LONGEST - 16]}…{mark}"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")


def _named_births(codes: list[str]) -> np.ndarray:
    return np.array([code == BIRTH for code in codes], bool)


def _named_deaths(codes: list[str]) -> np.ndarray:
    return np.array([code.partition(PARTED)[0] == DEATH for code in codes], bool)


def _distinct(column: pa.ChunkedArray) -> tuple[pl.Series, np.ndarray]:
    """Return the distinct texts of a column and the place (n,) of each cell's, −1 where null."""
    import polars as pl
    import pyarrow as pa

    if column.null_count == len(column):
        return pl.Series([], dtype=pl.String), np.full(len(column), -1)
    encoded: Any = column.combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = pa.concat_arrays(encoded.chunks)
    if not pa.types.is_dictionary(encoded.type):
        encoded = encoded.dictionary_encode()
    index = np.asarray(encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy(zero_copy_only=False))
    return pl.Series(pl.from_arrow(encoded.dictionary.cast(pa.large_string())), dtype=pl.String).fill_null(""), index
