"""Volumes: NIfTI, NRRD, MetaImage, DICOM series and files of several frames, TIFF stacks, and single pictures.

What a file is, its content says. Headers alone give shape and geometry (`header_of`); values come in the file's own unit and order
(`load_volume`); a mask is held against the volume that it belongs to (`load_mask`) and written in its geometry (`write_mask`).
"""

from osler.modalities.images.read.volume.files import files_of, is_volume_name
from osler.modalities.images.read.volume.form import header_of, load_volume
from osler.modalities.images.read.volume.masks import load_mask, write_mask
from osler.modalities.images.read.volume.record import RawVolume, VolumeHeader

__all__ = ["RawVolume", "VolumeHeader", "files_of", "header_of", "is_volume_name", "load_mask", "load_volume", "write_mask"]
