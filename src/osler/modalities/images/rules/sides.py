"""Whether the names of a target's classes speak of sides: mirrored pictures would then carry the wrong label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

# whole words of languages that put spaces between them, with or without accents; transcribed Russian too
_LINES = (
    "left right l r lt rt side sides sided laterality lateral contralateral ipsilateral dexter sinister dextra sinistra od os",
    "situs dextrocardia levocardia handedness",
    "links linke linker linkes rechts rechte rechter rechtes seite seitig linksseitig rechtsseitig",
    "gauche droite droit côté latéralité",
    "izquierda izquierdo derecha derecho lado lateralidad sinistro destra destro lato esquerda esquerdo direita direito",
    "linkerkant rechterkant zijde vänster höger venstre højre høyre vasen oikea puoli",
    "lewy lewa lewe prawy prawa prawe strona levý levá pravý pravá strana sol sağ taraf",
    "левый левая левое левой слева правый правая правое правой справа сторона лівий ліва правий",
    "levyi levaia pravyi pravaia αριστερά αριστερό δεξιά δεξί πλευρά",
)
# found anywhere: their languages run words together, or write vowels as signs
_SIGNS = (
    "左",
    "右",
    "侧",
    "側",
    "왼",
    "오른",
    "좌측",
    "우측",
    "ซ้าย",
    "ขวา",
    "يسار",
    "يمين",
    "שמאל",
    "ימין",
    "बाय",
    "दाय",
    "बाएं",
    "दाएं",
)


def side_word(names: Iterable[str]) -> str | None:
    """Return the first word among `names` that speaks of a side, None where none does."""
    for name in names:
        found = next((sign for sign in _SIGNS if sign in name), None)
        if found:
            return found
        split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # LeftLung
        for word in re.findall(r"[^\W\d_]+", split):
            if _plain(word) in _WORDS:
                return word
    return None


def names_of(target: Mapping[str, Any]) -> list[str]:
    """Return the names of the target's columns and of its classes, as its facts hold them."""
    classes = [str(c) for of_one in target.get("classes") or () for c in of_one]
    return [*map(str, target.get("names") or ()), *classes]


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


_WORDS = frozenset(_plain(word) for line in _LINES for word in line.split())
