"""Progress on the terminal."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any, Self

from osler.core.watch import Watch

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Terminal(Watch):
    """Draws one bar per stage on standard error; where that is no terminal, stages are plain lines."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.progress: Progress | None = None
        self.task: TaskID | None = None
        self.training = self.stopping = False
        self.before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGINT, self._interrupted)
        if self.live:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self.progress = Progress(
                TextColumn("{task.description:<12}"),
                BarColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[note]}"),
                console=Console(stderr=True),
            )
            self.progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.before is not None:
            signal.signal(signal.SIGINT, self.before)
        if self.progress is not None:
            self._finish()
            self.progress.stop()

    def stage(self, name: str, *, total: int = 0) -> None:
        """Begin a bar, or a line."""
        self._stop_if_asked()
        self.training = name == "training"
        if self.progress is None:
            sys.stderr.write(f"{name} …\n")
            return
        self._finish()
        self.task = self.progress.add_task(name, total=total or None, note="")

    def advance(self, units: int = 1, *, note: str = "") -> None:
        """Move the bar."""
        self._stop_if_asked()
        if self.progress is not None and self.task is not None:
            self.progress.update(self.task, advance=units, note=note)

    def say(self, sentence: str) -> None:
        """Write a line above the bars."""
        if self.progress is not None:
            self.progress.console.print(sentence, markup=False, highlight=False)
        else:
            sys.stderr.write(f"{sentence}\n")

    def _finish(self) -> None:
        if self.progress is not None and self.task is not None:
            total = self.progress.tasks[self.task].total or 1
            self.progress.update(self.task, total=total, completed=total, note="")

    def _interrupted(self, number: int, frame: FrameType | None) -> None:
        """Stop training at the end of its step: an interrupt inside a callback of LightGBM's would be lost there."""
        if not self.training or self.stopping:
            raise KeyboardInterrupt
        self.stopping = True
        self.say("stopping after this step; Ctrl-C again stops at once")

    def _stop_if_asked(self) -> None:
        if self.stopping:
            raise KeyboardInterrupt
