"""Volumes from their files: series and volumes per second, beside SimpleITK and MONAI's LoadImage that do the same.

    python benchmarks/volumes_reading.py [--repeats 5] [--seconds 2]

Three kinds of files: the 200 hippocampus volumes (NIfTI, gzip), the five series of `brain_dicom` (MR, 22 to 40 files each), and a CT
of 300 uncompressed slices of 512 × 512, which is written here from a real head (`heads/CT_AVM`, resampled). Each reader is asked for the
values as an array and for the geometry, in its own process, one volume after another, from the machine's memory: a first round is not
counted. MONAI reads DICOM with its ITKReader and with its PydicomReader. The sums of what was read must agree. Needs the folder of
real data (OSLER_DATA, or ../shared/data) and a package index for the peers.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from peers import environment

ROOT = Path(__file__).resolve().parents[1]
SLICES, SIDE = 300, 512
PEERS = ("monai==1.6.1", "torch==2.13.0", "nibabel==5.4.2", "pydicom==3.0.2", "itk==5.4.7", "SimpleITK==2.5.7")
RUN = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
paths, seconds = json.loads(sys.argv[1]), float(sys.argv[2])
sums = [float(load(p).sum(dtype="float64")) for p in paths]
count, began = 0, time.perf_counter()
while time.perf_counter() - began < seconds:
    for path in paths:
        load(path)
    count += len(paths)
print(json.dumps([count / (time.perf_counter() - began), sums]))
"""
OSLER = """
from osler.modalities.images.read.volume import load_volume
def load(path):
    found = load_volume(path)
    assert found.affine.shape == (4, 4)
    return found.values
"""
SIMPLEITK = """
import os
import SimpleITK
def load(path):
    if os.path.isdir(path):
        reader = SimpleITK.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(path))
        image = reader.Execute()
    else:
        image = SimpleITK.ReadImage(path)
    image.GetDirection(), image.GetSpacing(), image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image)
"""
MONAI = """
import numpy
from monai.transforms import LoadImage
ask = LoadImage({reader}image_only=True)
def load(path):
    found = ask(path)
    assert found.affine.shape == (4, 4)
    return found.numpy()
"""


def write_ct(source: Path, folder: Path) -> None:
    """Write the head in `source` (NIfTI) as 300 slices of 512 × 512, twelve bits, uncompressed."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian
    from scipy.ndimage import zoom

    from osler.modalities.images.read.volume import load_volume

    head = load_volume(str(source)).values[0].astype(np.float32)
    large = zoom(head, [SIDE / head.shape[0], SIDE / head.shape[1], SLICES / head.shape[2]], order=1)
    span = large.max() - large.min()
    stored = np.rint((large - large.min()) / span * 4095).astype(np.uint16)
    for k in range(SLICES):
        dataset = pydicom.Dataset()
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = CTImageStorage
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = pydicom.uid.generate_uid()
        dataset.Modality, dataset.PatientID, dataset.SeriesInstanceUID = "CT", "head", "1.2.826.0.1.3680043.8.498.1"
        dataset.StudyInstanceUID, dataset.InstanceNumber = "1.2.826.0.1.3680043.8.498.2", k + 1
        dataset.Rows = dataset.Columns = SIDE
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        dataset.PixelSpacing, dataset.SliceThickness = [0.45, 0.45], 0.6
        dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-115, -115, round(0.6 * k, 3)]
        dataset.PixelData = np.ascontiguousarray(stored[:, :, k].T).tobytes()
        dataset["PixelData"].VR = "OW"
        dataset.save_as(folder / f"{(k * 7) % SLICES:04d}.dcm", enforce_file_format=True)


def run(python: str | Path, code: str, paths: list[str], *, seconds: float) -> tuple[float, list[float]]:
    """Return volumes per second and the sum of each volume."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "src") if code is OSLER else ""}
    words = [python, "-c", code + RUN, json.dumps(paths), str(seconds)]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=variables)
    rate, sums = json.loads(done.stdout.strip().splitlines()[-1])
    return rate, sums


def readers(peer: Path | None, *, series: bool) -> Iterator[tuple[str, str | Path, str]]:
    """Yield who reads: name, Python, code."""
    yield "osler", sys.executable, OSLER
    if peer is None:
        return
    yield "SimpleITK", peer, SIMPLEITK
    for reader in ("ITKReader", "PydicomReader") if series else ("NibabelReader", "ITKReader"):
        yield f"MONAI, {reader}", peer, MONAI.replace("{reader}", f"reader='{reader}', ")


def compare(kind: str, paths: list[str], *, peer: Path | None, asked: argparse.Namespace) -> None:
    """Print volumes per second of each reader, in turn within each repeat."""
    rates: dict[str, list[float]] = {}
    first: list[float] = []
    for _ in range(asked.repeats):
        for name, python, code in readers(peer, series=not paths[0].endswith(".gz")):
            rate, sums = run(python, code, paths, seconds=asked.seconds)
            rates.setdefault(name, []).append(rate)
            first = first or sums
            if not np.allclose(first, sums, rtol=1e-6):
                print(f"{name} read other values", file=sys.stderr)
    print(f"{kind}")
    for name, found in rates.items():
        print(f"  {name:22s} {statistics.median(found):8.2f} per second ({min(found):.2f} to {max(found):.2f})")
    others = [statistics.median(found) for name, found in rates.items() if name != "osler"]
    if others:
        print(f"  {statistics.median(rates['osler']) / max(others):.1f} × the better of them", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    asked = parser.parse_args()
    folder = Path(os.environ.get("OSLER_DATA") or ROOT.parent / "shared" / "data") / "images"
    peer = environment("volumes", *PEERS)
    print(f"{platform.machine()}, {os.cpu_count()} cores", flush=True)
    compare("hippocampus, NIfTI", sorted(map(str, (folder / "hippocampus" / "images").iterdir())), peer=peer, asked=asked)
    compare("brain_dicom, series", sorted(map(str, (folder / "brain_dicom").iterdir())), peer=peer, asked=asked)
    with tempfile.TemporaryDirectory() as place:
        write_ct(folder / "heads" / "CT_AVM.nii.gz", Path(place))
        compare(f"CT, {SLICES} slices of {SIDE} × {SIDE}", [place], peer=peer, asked=asked)


if __name__ == "__main__":
    main()
