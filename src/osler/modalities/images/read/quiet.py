"""Readers that say nothing of their own: what is wrong with a file stands in its refusal."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from osler.core.errors import MissingExtra


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of Pillow and pydicom back, and Pillow strict: a picture that is cut off is an error, not half grey.

    Raises MissingExtra where Pillow is not installed.
    """
    try:
        import PIL.ImageFile
    except ImportError:
        raise MissingExtra(package="Pillow", extra="images") from None

    lenient = PIL.ImageFile.LOAD_TRUNCATED_IMAGES
    PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = lenient
