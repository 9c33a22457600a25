"""DICOM series, and files of one frame or several, as volumes."""

from osler.modalities.images.read.volume.dicom.files import listed, pictures_of
from osler.modalities.images.read.volume.dicom.pixels import values_of
from osler.modalities.images.read.volume.dicom.stack import Stack, header, stacked

__all__ = ["Stack", "header", "listed", "pictures_of", "stacked", "values_of"]
