"""How long work tells of itself."""

from __future__ import annotations


class Watch:
    """What steps report to; this one keeps silent, the commands draw a progress bar.

    `stage` begins a step of `total` units (0 where unknown), `advance` moves it on, `say` gives a sentence for the user.
    None of them may carry a patient's value.
    """

    def stage(self, name: str, *, total: int = 0) -> None:
        """Begin the step `name`."""

    def advance(self, units: int = 1, *, note: str = "") -> None:
        """Move on by `units`."""

    def say(self, sentence: str) -> None:
        """Tell the user something that matters."""


SILENT = Watch()
