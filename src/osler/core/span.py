"""Rows of a table that are handed on in parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self, cast, overload


class Span(Sequence[Any]):
    """Rows [start, stop) as locators: a frozen dataclass with these two fields and whatever all rows share. A slice is of the same kind,
    an item one row of length one."""

    __slots__ = ()
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @overload
    def __getitem__(self, index: int) -> Self: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> Self:
        if isinstance(index, slice):
            start, stop, _ = index.indices(len(self))
            return self._part(self.start + start, self.start + max(start, stop))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        at = self.start + index % len(self)
        return self._part(at, at + 1)

    def _part(self, start: int, stop: int) -> Self:
        return cast("Self", replace(cast("Any", self), start=start, stop=stop))
