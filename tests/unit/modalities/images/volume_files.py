"""Volumes written as files: DICOM series from an array and its affine, and what tests compare with."""

import numpy as np
import pydicom
import SimpleITK
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, ExplicitVRLittleEndian

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # written out again: a test that took it from the reader could not fail


def ramp(shape=(7, 5, 6), dtype=np.int16, start=-3):
    """Return an array in which every voxel has its own value."""
    return (np.arange(np.prod(shape)).reshape(shape) + start).astype(dtype)


def oblique(angle=0.3, spacing=(0.7, 0.9, 2.5), origin=(-31.25, 12.5, 77.0), mirrored=False):
    """Return an affine (RAS) turned about two axes, mirrored where asked."""
    a, b = np.cos(angle), np.sin(angle)
    turn = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, a, -b], [0, b, a]])
    if mirrored:
        turn[:, 2] *= -1
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = origin
    return affine


def of_itk(image):
    """Return SimpleITK's volume (i, j, k) and its affine in RAS."""
    size = image.GetDimension()
    affine = np.eye(4)
    affine[:size, :size] = np.array(image.GetDirection()).reshape(size, size) * image.GetSpacing()
    affine[:size, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image).T, LPS @ affine


def to_itk(values, affine):
    """Return values (i, j, k) and a RAS affine as SimpleITK's image."""
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(values.T))
    steps = (LPS @ affine)[:3, :3]
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin((LPS @ affine)[:3, 3].tolist())
    return image


def series_of_itk(folder):
    """Return the series of a folder as SimpleITK sorts and reads it."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return of_itk(reader.Execute())


def blank(storage=CTImageStorage, modality="CT"):
    """Return a data set without pixels."""
    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = storage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = pydicom.uid.generate_uid()
    dataset.Modality, dataset.PatientID, dataset.PatientName = modality, "P17", "Nobody^Known"
    dataset.SeriesInstanceUID, dataset.SeriesNumber, dataset.SeriesDescription = "1.2.3", 4, "thin axial"
    return dataset


def with_pixels(dataset, plane, *, stored=None, photometric="MONOCHROME2"):
    """Put pixels (rows, columns) or (frames, rows, columns) into a data set."""
    dataset.Rows, dataset.Columns = plane.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, photometric
    dataset.BitsAllocated = 8 * plane.itemsize
    dataset.BitsStored = stored or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(plane.dtype.kind == "i")
    dataset.PixelData = np.ascontiguousarray(plane).tobytes()
    dataset["PixelData"].VR = "OW" if plane.itemsize > 1 else "OB"
    return dataset


def slices_of(values, affine, *, slope=1, intercept=0, **options):
    """Yield the slices of values (i, j, k) with a RAS affine, in the order of k."""
    steps = (LPS @ affine)[:3]
    spacing = np.linalg.norm(steps[:, :2], axis=0)
    for k in range(values.shape[2]):
        dataset = with_pixels(blank(), values[:, :, k].T, **options)
        dataset.ImageOrientationPatient = [float(x) for x in (steps[:, :2] / spacing).T.ravel()]
        dataset.ImagePositionPatient = [float(x) for x in steps[:, 3] + k * steps[:, 2]]
        dataset.PixelSpacing = [float(spacing[1]), float(spacing[0])]
        dataset.SliceThickness = float(np.linalg.norm(steps[:, 2]))
        dataset.RescaleSlope, dataset.RescaleIntercept = slope, intercept
        dataset.InstanceNumber = k + 1
        yield dataset


def saved(folder, datasets, *, seed=0):
    """Save data sets under names that say nothing of their order; return the folder."""
    folder.mkdir(exist_ok=True)
    datasets = list(datasets)
    for name, dataset in zip(np.random.default_rng(seed).permutation(len(datasets)), datasets, strict=True):
        dataset.save_as(folder / f"{name:04d}.dcm", enforce_file_format=True)
    return folder


def enhanced(values, affine, *, slopes=None):
    """Return values (i, j, k) as one enhanced MR object whose frames stand in another order than k."""
    dataset = with_pixels(blank(EnhancedMRImageStorage, "MR"), values.transpose(2, 1, 0))
    steps = (LPS @ affine)[:3]
    spacing = np.linalg.norm(steps, axis=0)
    order = np.random.default_rng(1).permutation(values.shape[2])
    dataset.NumberOfFrames = len(order)
    dataset.PixelData = np.ascontiguousarray(values.transpose(2, 1, 0)[order]).tobytes()
    shared, frames = pydicom.Dataset(), []
    orientation, measures = pydicom.Dataset(), pydicom.Dataset()
    orientation.ImageOrientationPatient = [float(x) for x in (steps[:, :2] / spacing[:2]).T.ravel()]
    measures.PixelSpacing, measures.SliceThickness = [float(spacing[1]), float(spacing[0])], float(spacing[2])
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [orientation], [measures]
    for k in order:
        frame, position = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = [float(x) for x in steps[:, 3] + k * steps[:, 2]]
        frame.PlanePositionSequence = [position]
        if slopes is not None:
            scale = pydicom.Dataset()
            scale.RescaleSlope, scale.RescaleIntercept, scale.RescaleType = float(slopes[k]), 0, "US"
            frame.PixelValueTransformationSequence = [scale]
        frames.append(frame)
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], frames
    return dataset
