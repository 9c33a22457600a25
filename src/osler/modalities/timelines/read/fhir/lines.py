"""From files of JSON lines to decoded resources; what cannot be decoded is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec

from osler.core.errors import TableError
from osler.modalities.timelines.read.billing import BROKEN
from osler.modalities.timelines.read.fhir import shapes
from osler.modalities.timelines.read.folder import opened, reading

LONGEST = 64 << 20  # bytes of a line; a resource with an attachment in it has some megabytes
_POINTED_AT = (b'"Encounter"', b'"Medication"')
# A bulk server names a file by the one type in it ("Observation.000.ndjson"); any other name may hold anything.
_TYPED = re.compile(
    r"(?:Patient|Condition|Observation|MedicationRequest|MedicationAdministration|Procedure)(?:[._-]\d+)*\.(?:ndjson|jsonl)(?:\.gz)?"
)


def resources(path: Path, *, refused: Counter[str], seen: Counter[str]) -> Iterator[shapes.Known]:
    """Yield the resources of one file that events are made of; broken lines are added to `refused`, other types to `seen`.

    Raises TableError where every line of the file is broken.
    """
    decoder, head = msgspec.json.Decoder(shapes.Known), msgspec.json.Decoder(shapes.Head)
    good, first = 0, 0
    with reading(path):
        for number, line in _lines(path):
            try:
                resource = decoder.decode(line)
            except (msgspec.MsgspecError, ValueError, RecursionError):
                if kind := _other(head, line):
                    seen[kind] += 1
                    good += 1
                else:
                    refused[BROKEN] += 1
                    first = first or number
                continue
            good += 1
            yield resource
    if first and not good:
        raise TableError(
            f"'{path.name}': no line is a FHIR resource, from line {first} on; wanted NDJSON: one JSON object a line"
        )


def _other(head: msgspec.json.Decoder[shapes.Head], line: bytes) -> str:
    """Return the type of a resource that is read past, "" for a line that is broken or a known type that is malformed."""
    try:
        kind = head.decode(line).resourceType
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return "" if kind in _KNOWN else kind[:64]


_KNOWN = frozenset(kind.__struct_config__.tag for kind in shapes.Known.__args__)


def pointed_at(path: Path) -> Iterator[shapes.Encounter | shapes.Medication]:
    """Yield what other resources point to, without decoding lines that hold no such thing."""
    if _TYPED.fullmatch(path.name):
        return
    decoder = msgspec.json.Decoder(shapes.Known)
    with reading(path):
        for _, line in _lines(path):
            if any(word in line for word in _POINTED_AT):
                try:
                    resource = decoder.decode(line)
                except (msgspec.MsgspecError, ValueError, RecursionError):
                    continue  # counted when events are read
                if isinstance(resource, shapes.Encounter | shapes.Medication):
                    yield resource


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of lines that are not blank; what is longer than LONGEST comes as an empty, thus broken, line."""
    number, long = 1, False
    with opened(path) as file:
        while line := file.readline(LONGEST):
            ended = line.endswith(b"\n")
            if not ended and len(line) == LONGEST:
                long = True
                continue
            content = b"" if long else line.removeprefix(b"\xef\xbb\xbf").strip()
            if content or long:
                yield number, content
            number += 1
            long = False
        if long:
            yield number, b""
