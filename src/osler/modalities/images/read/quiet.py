"""Readers that say nothing of their own: what is wrong with a file stands in its refusal."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import warnings
from collections.abc import Iterator

from osler.core.errors import MissingExtra

_ALONE = threading.Lock()  # two that move the same stream aside would put it back in the wrong order


@contextlib.contextmanager
def speechless() -> Iterator[None]:
    """Keep back what libtiff writes to the process's error stream by itself; for the moment of one decoding."""
    with _ALONE, open(os.devnull, "wb") as nothing:  # noqa: PTH123
        try:
            kept = os.dup(2)
        except OSError:  # there is no error stream
            yield
            return
        try:
            os.dup2(nothing.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep back what Pillow and pydicom say, and Pillow strict: a picture that is cut off is an error, not half grey.

    Their logs quote values of the header, which may be a patient's.

    Raises MissingExtra where Pillow is not installed.
    """
    try:
        import PIL.ImageFile
    except ImportError:
        raise MissingExtra(package="Pillow", extra="images") from None

    lenient = PIL.ImageFile.LOAD_TRUNCATED_IMAGES
    loggers = [logging.getLogger(name) for name in ("pydicom", "PIL", "pylibjpeg")]
    levels = [logger.level for logger in loggers]
    PIL.ImageFile.LOAD_TRUNCATED_IMAGES = False
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        PIL.ImageFile.LOAD_TRUNCATED_IMAGES = lenient
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
