"""The report and the model card: an account, told to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osler.core.account import Account


def write_report(account: Account) -> str:
    """Return one self-contained HTML page; see `osler.spine.report.page`."""
    from osler.spine.report.page import write_report as write

    return write(account)


def write_card(account: Account) -> str:
    """Return the model card as Markdown; see `osler.spine.report.card`."""
    from osler.spine.report.card import write_card as write

    return write(account)


__all__ = ["write_card", "write_report"]
