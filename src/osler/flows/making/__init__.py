"""`osler train` of what makes or represents: synthesis, translation, representation."""

from osler.flows.making.inspected import inspected
from osler.flows.making.made import make
from osler.flows.making.opened import Opened, blocks, is_made, open_made

__all__ = ["Opened", "blocks", "inspected", "is_made", "make", "open_made"]
