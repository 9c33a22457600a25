"""The report and the model card: an account, told to a person."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from osler.core.account import Account
    from osler.core.judgement import Section
    from osler.core.made import MadeAccount


def write_report(account: Account) -> str:
    """Return one self-contained HTML page; see `osler.spine.report.page`."""
    from osler.spine.report.page import write_report as write

    return write(account)


def write_card(account: Account) -> str:
    """Return the model card as Markdown; see `osler.spine.report.card`."""
    from osler.spine.report.card import write_card as write

    return write(account)


def write_methods(account: Account) -> str:
    """Return the draft of a paper's methods and results as Markdown; see `osler.spine.report.methods`."""
    from osler.spine.report.methods import write_methods as write

    return write(account)


def write_cases(
    lists: Mapping[str, Sequence[Mapping[str, Any]]], *, title: str, language: str, labels: Mapping[int, str] | None = None,
    kind: str = "marked",
) -> str:  # fmt: skip
    """Return the page of the worst and the least sure cases; see `osler.spine.report.cases`."""
    from osler.spine.report.cases import write_cases as write

    return write(lists, title=title, language=language, labels=labels, kind=kind)


def documents_of(account: Account) -> dict[str, str]:
    """Return everything that is written of a training or an evaluation, by file name."""
    return {
        "scores.json": json.dumps(account.numbers(), indent=1, ensure_ascii=False),
        "report.html": write_report(account),
        "card.md": write_card(account),
        "methods.md": write_methods(account),
    }


def made_documents_of(account: MadeAccount) -> dict[str, str]:
    """Return everything that is written of a training that makes or represents, by file name; see `osler.spine.report.made`."""
    from osler.spine.report.made import documents_of as documents

    return documents(account)


def write_made_cases(sections: Sequence[Section], *, title: str, language: str) -> str:
    """Return the page of single cases of what was made; see `osler.spine.report.made`."""
    from osler.spine.report.made import write_cases as write

    return write(sections, title=title, language=language)


def write_explanation(
    cases: Sequence[Mapping[str, Any]], *, title: str, language: str, recurring: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Return the page of explained cases; see `osler.spine.report.explained`."""
    from osler.spine.report.explained import write_explanation as write

    return write(cases, title=title, language=language, recurring=recurring)


__all__ = [
    "documents_of", "made_documents_of", "write_card", "write_cases", "write_explanation", "write_made_cases", "write_methods",
    "write_report",
]  # fmt: skip
