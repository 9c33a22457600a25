"""Images made of a case, written in the form and geometry of the case's own file, each marked as synthetic inside.

A DICOM series becomes a derived series, a picture a PNG, every other volume a NIfTI file.
"""

from osler.modalities.images.grids.derived.write import write_image

__all__ = ["write_image"]
