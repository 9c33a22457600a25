"""From members' raw outputs to one calibrated prediction."""

from osler.spine.output.blend import Blend, combine

__all__ = ["Blend", "combine"]
