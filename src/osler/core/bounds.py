"""Numbers of which only a bound is known: ">10" lies above what is written, "<0.5" below.

Assays write them where a value leaves their range; statistics call such a value censored (Tobin 1958).
"""

from __future__ import annotations

import re

ABOVE, EXACT, BELOW = 1, 0, -1  # where the true number lies, seen from the one that is written

# ChEMBL's relations, and what people write; "about" is as near to the number as anybody knows. Its tables quote the sign ('>').
SIDES = {
    **dict.fromkeys(("", "=", "==", "~", "≈"), EXACT),
    **dict.fromkeys((">", ">=", "=>", "≥", ">>"), ABOVE),
    **dict.fromkeys(("<", "<=", "=<", "≤", "<<"), BELOW),
}
_WRITTEN = re.compile(r"([<>=≤≥~≈]*)\s*(.*)", re.DOTALL)


def parted(text: str) -> tuple[int, str]:
    """Return on which side of the number that `text` goes on with the true one lies, and the rest of the text.

    >>> parted(">= 4"), parted("~3"), parted("<0.5"), parted("10 µM"), parted("<>1")
    ((1, '4'), (0, '3'), (-1, '0.5'), (0, '10 µM'), (0, '<>1'))
    """
    found = _WRITTEN.fullmatch(text.strip())
    assert found is not None
    sign, rest = found.groups()
    return (SIDES[sign], rest) if sign in SIDES else (EXACT, text)


def sign_of(text: str) -> str | None:
    """Return the sign of a cell of a column of qualifiers, "" where it is empty; None for what is none.

    >>> sign_of("'>'"), sign_of(" = "), sign_of("about")
    ('>', '=', None)
    """
    sign = text.strip().strip("'\"").strip()
    return sign if sign in SIDES else None


def qualifiers(pattern: str, targets: tuple[str, ...]) -> dict[str, str]:
    """Return by target the column that holds its signs, as the decision `target.qualifier` names it: `*` stands for the target's name.

    >>> qualifiers("*_relation", ("IC50", "EC50")), qualifiers("", ("IC50",))
    ({'IC50': 'IC50_relation', 'EC50': 'EC50_relation'}, {})
    """
    return {target: pattern.replace("*", target) for target in targets} if pattern else {}
