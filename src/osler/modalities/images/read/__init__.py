"""Image files to pictures: the home of Pillow and pydicom.

A cell names a file (`locate`), headers of a sample settle size, channels and type (`reading`), and each file becomes a picture of
that shape (`read`). What a file is, its content says, not the ending of its name.
"""

from osler.modalities.images.read.decide import reading
from osler.modalities.images.read.locate import ENDINGS, locate, recognises
from osler.modalities.images.read.picture import read
from osler.modalities.images.read.quiet import quiet

__all__ = ["ENDINGS", "locate", "quiet", "read", "reading", "recognises"]
