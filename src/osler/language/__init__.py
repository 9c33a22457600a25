"""The words of reports and pages, in English and Chinese.

Two kinds of keys lie in one table per language: names of the report's own sentences (`answer.found`), with places in braces,
and English text that other rooms hand over for display: words (`ROC curve`) and sentences (`{n} groups are in training`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from osler.core.errors import RequestError

LANGUAGES = {"en": "English", "zh": "简体中文"}


class Words(Mapping[str, str]):
    """The sentences of one language; reading a text that it does not know gives that text back.

    A handed sentence may hold numbers and names where its key has places, and several may be joined by "; ". A place
    `sentence` is told in this language too, and a place `measure` or `modality` by its name.

    >>> words("zh")["ROC curve"], words("zh")["Lactate"], words("zh")["given by the split column; something else"]
    ('ROC 曲线', 'Lactate', '按数据表中的划分列划分; something else')
    """

    def __init__(self, sentences: Mapping[str, str], *, language: str) -> None:
        self._sentences = dict(sentences)
        placed = sorted(
            (k for k in sentences if "{" in k), key=lambda k: ("{sentence}" not in k, -len(re.sub(r"\{\w+\}", "", k)))
        )
        self._joined = [(_pattern(key), sentences[key]) for key in placed if "; " in key]
        self._patterns = [(_pattern(key), sentences[key]) for key in placed]  # what says most by itself is tried first
        self.language = language

    def __getitem__(self, key: str) -> str:
        if key in self._sentences:
            return self._sentences[key]
        if "; " in key and (whole := self._matched(key, joined=True)):
            return whole
        parts = key.split("; ")
        told = [self._sentences.get(part) or self._matched(part) for part in parts]
        # English signs stay unless the whole is said in this language
        joint = self._sentences.get("list.clause", "; ") if all(told) else "; "
        return joint.join(said or part for said, part in zip(told, parts, strict=True))

    def get(self, key: str, default: Any = None) -> Any:
        """Return the sentence `key`, or `default` where there is none."""
        return self._sentences.get(key, default)

    def __contains__(self, key: object) -> bool:
        return key in self._sentences

    def __iter__(self) -> Iterator[str]:
        return iter(self._sentences)

    def __len__(self) -> int:
        return len(self._sentences)

    def say(self, key: str, /, **values: object) -> str:
        """Return the sentence `key` with its places filled; raises KeyError where there is none: a fault of ours."""
        return _filled(self._sentences[key], {k: str(v) for k, v in values.items()})

    def _matched(self, text: str, *, joined: bool = False) -> str | None:
        for pattern, said in self._joined if joined else self._patterns:
            found = pattern.fullmatch(text)
            if found:
                places = found.groupdict()
                if "sentence" in places:
                    places["sentence"] = self[places["sentence"]]
                for name in places.keys() & {"measure", "modality"}:
                    places[name] = self.get(f"{name}.{places[name]}", places[name])
                return _filled(said, places)
        return None


def _filled(sentence: str, places: Mapping[str, str]) -> str:
    """Fill the places; the space that sets Latin letters and digits off in Chinese text goes where Chinese meets Chinese."""
    pieces = re.split(r"\{(\w+)\}", sentence)
    out = pieces[0]
    for name, after in zip(pieces[1::2], pieces[2::2], strict=True):
        value = places[name]
        tight = out[-1:] == " " and _chinese(out[-2:-1]) and _chinese(value[:1])
        out = (out[:-1] if tight else out) + value
        tight = after[:1] == " " and _chinese(after[1:2]) and _chinese(value[-1:])
        out += after[1:] if tight else after
    return out


def _chinese(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff"


def _pattern(key: str) -> re.Pattern[str]:
    """Turn `{n} groups` into the expression that reads such a sentence; a place holds anything but a line's end, `n` a number."""
    pieces = re.split(r"\{(\w+)\}", key)
    held = {"n": r"[\d,.]+"}
    return re.compile("".join(f"(?P<{p}>{held.get(p, '.+?')})" if i % 2 else re.escape(p) for i, p in enumerate(pieces)))


@lru_cache
def words(language: str) -> Words:
    """Return the words of `language`; raises RequestError where it is not among LANGUAGES."""
    import yaml

    if language not in LANGUAGES:
        known = " and ".join(f"'{code}' ({name})" for code, name in LANGUAGES.items())
        raise RequestError(f"no words in language '{language}'; there is {known}")
    text = files("osler.language").joinpath(f"{language}.yaml").read_text(encoding="utf-8")
    return Words(yaml.safe_load(text), language=language)
