"""What was done in a folder, told without a value: a table, a page to read, and the list of names for the keeper of the originals."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from osler.core.disk import whole
from osler.interop.deidentify.options import Options
from osler.interop.deidentify.profile import rows
from osler.interop.deidentify.work import Outcome
from osler.language import Words, words


@dataclass(frozen=True, slots=True)
class Summary:
    """How many files there were and were written; how often each refusal and warning came, by code; where the reports are."""

    files: int
    written: int
    refused: Counter[str]
    warned: Counter[str]
    reports: tuple[Path, ...]


def report(outcomes: Sequence[Outcome], *, out: Path, options: Options, language: str) -> Summary:
    """Write OUT.report.csv, OUT.report.md and OUT.files.csv beside `out`; the last one names the source's files and is for its user alone."""
    said = words(language)
    refused = Counter(outcome.code for outcome in outcomes if outcome.code)
    warned = Counter(code for outcome in outcomes for code in outcome.warnings)
    places = tuple(out.with_name(f"{out.name}.{ending}") for ending in ("report.md", "report.csv", "files.csv"))
    summary = Summary(len(outcomes), len(outcomes) - refused.total(), refused, warned, places)
    with whole(places[0]) as temporary:
        temporary.write_text(_page(summary, outcomes, options, said), encoding="utf-8")
    _table(places[1], ("what", "name", "action", "times", "files"), _lines(summary, outcomes))
    _table(
        places[2],
        ("source", "output", "refused", "warnings"),
        ((o.source, o.output, o.code, " ".join(o.warnings)) for o in outcomes),
        private=True,
    )
    return summary


def counted(outcomes: Iterable[Outcome]) -> list[tuple[str, str, int, int]]:
    """Return (attribute, action, times, files), sorted."""
    times: Counter[tuple[str, str]] = Counter()
    files: Counter[tuple[str, str]] = Counter()
    for outcome in outcomes:
        for name, action, number in outcome.done:
            times[name, action] += number
            files[name, action] += 1
    return [(name, action, number, files[name, action]) for (name, action), number in sorted(times.items())]


def _lines(summary: Summary, outcomes: Sequence[Outcome]) -> Iterable[tuple[str, str, str, int, int]]:
    yield from (("done", *line) for line in counted(outcomes))
    yield from (("warning", code, "", number, number) for code, number in sorted(summary.warned.items()))
    yield from (("refused", code, "", number, number) for code, number in sorted(summary.refused.items()))


def _table(path: Path, names: Sequence[str], lines: Iterable[Sequence[object]], *, private: bool = False) -> None:
    with whole(path) as temporary:
        if private and os.name == "posix":
            temporary.chmod(0o600)
        with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(lines)


def _page(summary: Summary, outcomes: Sequence[Outcome], options: Options, said: Words) -> str:
    blocks = [
        f"# {said['deid.title']}",
        said.say("deid.files", n=f"{summary.files:,}", written=f"{summary.written:,}", refused=f"{summary.refused.total():,}"),
        said.say("deid.profile", n=f"{len(rows()) + 1:,}"),
        *_listed(f"{meaning} ({code})" for code, meaning in options.codes),
        *(said.say("deid.only_warned", option=name) for name in options.only_warned),
        said["deid.limits"],
        *_coded(said, "warning", summary.warned),
        *_coded(said, "refused", summary.refused),
        f"## {said['deid.done']}",
        _markdown([said[f"deid.column.{name}"] for name in ("attribute", "action", "times", "files")], counted(outcomes), said),
    ]
    return "\n\n".join(blocks) + "\n"


def _coded(said: Words, kind: str, counts: Counter[str]) -> list[str]:
    if not counts:
        return []
    lines = (
        f"{said[f'deid.{kind}.{code}']} ({said.say('deid.number', n=f'{number:,}')})" for code, number in counts.most_common()
    )
    return [f"## {said[f'deid.{kind}']}", *_listed(lines)]


def _listed(lines: Iterable[str]) -> list[str]:
    return ["\n".join(f"- {line}" for line in lines)]


def _markdown(head: Sequence[str], lines: Iterable[tuple[str, str, int, int]], said: Words) -> str:
    told = [f"| {' | '.join(head)} |", "|---|---|--:|--:|"]
    told += [f"| {name} | {said[f'deid.action.{action}']} | {times:,} | {files:,} |" for name, action, times, files in lines]
    return "\n".join(told)
