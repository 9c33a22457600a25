"""`osler data deidentify`: every file of a folder without the person, or not at all, and a report beside the result."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from osler.core.errors import MissingExtra, OutputError, RequestError, RunError
from osler.core.processors import processors
from osler.core.watch import SILENT, Watch
from osler.interop.deidentify import Options, choose, read_key
from osler.interop.deidentify.journal import Journal
from osler.interop.deidentify.report import Summary, report
from osler.interop.deidentify.work import Outcome, Work
from osler.language import words

TOGETHER = 16  # files that a worker takes at once; pixels are copied, so a file takes milliseconds
# files from which on further processes are started, which takes each a second; a file takes 4.4 ms of a processor (measured). On two cores
# shared with others 2,048 files took 15 to 34 s with two processes and 20 to 27 s with one: what they gain is the machine's matter
PAYS = 1024


def deidentify(
    source: Path,
    out: Path,
    *,
    retain: Sequence[str] = (),
    clean: Sequence[str] = (),
    key: Path | None = None,
    keep_names: bool = False,
    language: str = "en",
    watch: Watch = SILENT,
) -> Summary:
    """Write each file of `source`, a folder or one file, without the person into the folder `out`; return what was done.

    `retain` and `clean` name options of the profile; `key` is a file with a secret that makes several runs agree. Raises
    RequestError for options or languages that are none, OutputError where `out` holds something else; a stopped run goes on.
    """
    _check_readers()
    words(language)
    options = choose(retain=retain, clean=clean)
    home, names = _files(source, out)
    secret = read_key(key) if key else None
    request = {"source": str(source.resolve()), "options": sorted(c.name for c in options.chosen), "keep_names": keep_names}
    with Journal(out, request=request, key=secret) as journal:
        out.mkdir(parents=True, exist_ok=True)
        work = Work(home, out, journal.key, options, keep_names)
        outcomes = _outcomes(work, names, journal, watch=watch)
        _sweep(out)
        summary = report(outcomes, out=out, options=options, language=language)
        journal.close()
    _say(options, watch)
    if not summary.written:
        raise RunError(f"none of {summary.files} files could be cleaned; '{summary.reports[0].name}' says why")
    return summary


def _check_readers() -> None:
    try:
        import pydicom  # noqa: F401
    except ImportError:
        raise MissingExtra(package="pydicom", extra="images") from None


def _files(source: Path, out: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder and the names in it, sorted; raises RequestError where there are none or one folder lies in the other."""
    if not source.exists():
        raise RequestError(f"'{source}' is not there; give a folder or a file")
    if not source.is_dir():
        return source.parent, (source.name,)
    inner, outer = source.resolve(), out.resolve()
    if inner == outer or inner in outer.parents or outer in inner.parents:
        raise OutputError(f"'{out}' and '{source}' lie in one another; name a folder elsewhere")
    names = tuple(sorted(_within(source)))
    if not names:
        raise RequestError(f"the folder '{source}' holds no file")
    return source, names


def _within(folder: Path) -> Iterator[str]:
    for place, inner, names in os.walk(folder, onerror=_unread):
        here = Path(place).relative_to(folder).as_posix()
        linked = [name for name in inner if (Path(place) / name).is_symlink()]
        for name in [*names, *linked]:
            yield name if here == "." else f"{here}/{name}"


def _unread(error: OSError) -> None:
    raise RequestError(f"a folder in IN cannot be read ({error.strerror}); nothing that is in it would be told")


def _outcomes(work: Work, names: Sequence[str], journal: Journal, *, watch: Watch) -> list[Outcome]:
    """Return what became of each file, in the order of `names`; what the journal knows is not done again."""
    watch.stage("de-identifying", total=len(names))
    known = [name for name in names if name in journal.known and _there(work, journal.known[name])]
    watch.advance(len(known))
    left = sorted(set(names) - set(known))
    pieces = [tuple(left[start : start + TOGETHER]) for start in range(0, len(left), TOGETHER)]
    for done in _cleaned(work, pieces, processors() if len(left) >= PAYS else 1):
        journal.note(done)
        watch.advance(len(done))
    return [journal.known[name] for name in names]


def _there(work: Work, outcome: Outcome) -> bool:
    return not outcome.output or (work.out / outcome.output).is_file()


def _cleaned(work: Work, pieces: Sequence[tuple[str, ...]], workers: int) -> Iterator[list[Outcome]]:
    if workers <= 1:
        yield from map(work, pieces)
        return
    from concurrent.futures.process import BrokenProcessPool

    from joblib import Parallel, delayed

    try:
        yield from Parallel(n_jobs=workers, return_as="generator_unordered")(delayed(_piece)(work, piece) for piece in pieces)
    except BrokenProcessPool:
        raise RunError("a worker process died, often for lack of memory; what is done is kept, run again") from None


def _piece(work: Work, piece: tuple[str, ...]) -> list[Outcome]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    return work(piece)


def _sweep(out: Path) -> None:
    """Remove what killed runs began to write, and folders in which every file was refused."""
    for place, _, names in os.walk(out, topdown=False):
        for name in names:
            if name.startswith(".") and name.endswith(".part"):
                (Path(place) / name).unlink(missing_ok=True)
        if Path(place) != out and not any(Path(place).iterdir()):
            Path(place).rmdir()


def _say(options: Options, watch: Watch) -> None:
    for name in options.only_warned:
        watch.say(f"{name}: Osler cannot do this; no file says that it was done, and what it concerns stands in the report")
