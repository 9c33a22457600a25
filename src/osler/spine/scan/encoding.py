"""From the bytes of a text file to UTF-8.

Bytes that have no meaning in the file's encoding come out as the byte 0xFF, which is never valid UTF-8, so that the rows that
hold them can be told apart later and the rest is kept.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from osler.spine.scan.source import Source

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",  # begins like UTF-16's, so it is asked first
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WESTERN = ("cp1252", "cp1250", "cp1254", "cp1257")
# The order breaks ties between guesses that are equally good.
_ANY = ("cp1251", "gb18030", "shift_jis", "big5", "euc_kr", "euc_jp", "koi8_r", "cp1253", "cp1255", "cp1256", *_WESTERN)
_SAMPLE = 32 << 10  # bytes of lines with bytes above 127: enough for statistics on letters, quick to judge
MIXED_LINES, MIXED_SHARE = 3, 0.2  # East Asian lines are valid UTF-8 by accident more rarely than that
_ALONE = re.compile(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])")
_CONTROL = bytes(set(range(1, 32)) - set(b"\t\n\r\f\x1a\x1b"))


def utf8(source: Source, encoding: str) -> Iterator[bytes]:
    """Yield the text of `source` as UTF-8 without a byte order mark; raises TableError where it cannot be read."""
    if encoding == "utf-8":
        mark = codecs.BOM_UTF8
        for at, part in enumerate(source.unpacked()):
            yield part.removeprefix(mark) if at == 0 else part
        return
    codecs.register_error("osler.mark", _mark)
    decoder = codecs.getincrementaldecoder(encoding)(errors="osler.mark")
    for part in source.unpacked():
        yield decoder.decode(part).encode("utf-8", "surrogateescape")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogateescape")


def encoding_of(source: Source) -> str:
    """Return the codec in which `source` is written; reads it once, in bounded memory.

    A byte order mark or UTF-16's pattern of NULs settles it. A file is UTF-8 where at least as many lines are valid UTF-8 beyond
    ASCII as are not valid; else it is one of the older encodings, judged by a sample of the lines concerned. Among
    Western ones too alike to tell apart it is Windows-1252. Raises TableError for content that is no text, and where the
    file is joined from parts in different encodings.
    """
    lines = _Lines()
    for part in source.unpacked():
        if not lines.begun:
            settled = _settled(part[:4096])
            if settled:
                return settled
            _refuse_binary(part[: 64 << 10], source)
        lines.add(part)
    lines.add(b"\n")
    if lines.wrong <= lines.valid:
        return "utf-8"
    if lines.valid >= MIXED_LINES and lines.valid > MIXED_SHARE * (lines.valid + lines.wrong):
        raise source.damaged(
            f"holds {lines.valid} lines in UTF-8 and {lines.wrong} in another encoding", "save each part in UTF-8, then join them"
        )
    return _older(bytes(lines.sample))


@dataclass(slots=True)
class _Lines:
    """Counts lines beyond ASCII: `valid` UTF-8 and `wrong`; a sample of the wrong ones is kept."""

    valid: int = 0
    wrong: int = 0
    sample: bytearray = field(default_factory=bytearray)
    begun: bool = False
    rest: bytes = b""

    def add(self, part: bytes) -> None:
        self.begun = True
        cut = max(part.rfind(b"\n"), part.rfind(b"\r")) + 1
        block = self.rest + part[:cut] if cut else b""
        self.rest = part[cut:] if cut else (self.rest + part)[-(64 << 20) :]
        if block.isascii():
            return
        for line in block.splitlines():
            if line.isascii():
                continue
            if _is_utf8(line):
                self.valid += 1
            else:
                self.wrong += 1
                if len(self.sample) < _SAMPLE:
                    self.sample += line[:_SAMPLE] + b"\n"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _settled(start: bytes) -> str | None:
    for mark, name in _MARKS.items():
        if start.startswith(mark):
            return name
    half = len(start) // 2
    if half < 2:
        return None
    even, odd = start[: 2 * half : 2].count(0) / half, start[1 : 2 * half : 2].count(0) / half
    # Most characters of a table are ASCII, whose other byte is NUL in UTF-16; a letter like Ā has its NUL in the other place.
    few = min(even, odd) < 0.05 or (
        2 * min(even, odd) < max(even, odd) and (0, 0) not in zip(start[::2], start[1::2], strict=False)
    )
    if max(even, odd) > 0.4 and few:
        return "utf-16-be" if even > odd else "utf-16-le"
    return None


def _refuse_binary(start: bytes, source: Source) -> None:
    control = len(start) - len(start.translate(None, _CONTROL))
    if control > 8 + 0.02 * len(start) or start.count(0) > 0.3 * len(start):
        raise source.damaged("holds no text that could be a table", "wanted CSV, TSV, Excel, Parquet or Arrow")


def _older(sample: bytes) -> str:
    """Judge a sample; letters beyond ASCII stand alone in Western words, and in a row in other scripts."""
    from charset_normalizer import from_bytes

    beyond = sum(byte > 127 for byte in sample)
    likely = _WESTERN if len(_ALONE.findall(sample)) > 0.6 * beyond else _ANY
    found = [match for match in from_bytes(sample, cp_isolation=list(likely)) if match.encoding in likely]
    # Differences of chaos below .05 and of coherence below .1 are noise on short samples.
    found.sort(key=lambda match: (int(match.chaos / 0.05), -int(match.coherence * 10), likely.index(match.encoding)))
    return found[0].encoding if found else "cp1252"


def _mark(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end
