"""Events while they are collected, column by column."""

from __future__ import annotations

from collections import Counter

from osler.modalities.timelines.case import Piece
from osler.modalities.timelines.read.billing import CODELESS, SUBJECTLESS, TIMELESS


class Events:
    """Columns of events and the counts of those refused; `piece` hands both over and begins anew."""

    def __init__(self, refused: Counter[str]) -> None:
        self.refused = refused
        self._clear()

    def _clear(self) -> None:
        self._subject: list[str] = []
        self._time: list[int | None] = []
        self._code: list[str] = []
        self._value: list[float | None] = []
        self._text: list[str | None] = []
        self._unit: list[str | None] = []

    def __len__(self) -> int:
        return len(self._code)

    def add(
        self, subject: str | None, time: int | None, *, code: str | None, value: float | None = None, text: str | None = None,
        unit: str | None = None, always: bool = False,
    ) -> None:  # fmt: skip
        """Take one event up, or count why it cannot be used; only what is known `always` may lack a time."""
        if not subject or not code or (time is None and not always):
            self.refused[SUBJECTLESS if not subject else CODELESS if not code else TIMELESS] += 1
            return
        self._subject.append(subject)
        self._time.append(None if always else time)
        self._code.append(code)
        self._value.append(value)
        self._text.append(text)
        self._unit.append(unit)

    def piece(self) -> Piece:
        """Return what was collected and begin anew."""
        import pyarrow as pa

        rows = pa.table(
            {
                "subject": pa.array(self._subject, pa.string()).dictionary_encode(),
                "time": pa.array(self._time, pa.int64()),
                "code": pa.array(self._code, pa.string()).dictionary_encode(),
                "value": pa.array(self._value, pa.float64()),
                "text": pa.array(self._text, pa.string()),
                "unit": pa.array(self._unit, pa.string()).dictionary_encode(),
            }
        )
        refused = dict(self.refused)
        self.refused.clear()
        self._clear()
        return Piece(rows, refused)
