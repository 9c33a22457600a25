"""Mutated volumes: each becomes values or a reason; no traceback, no warning, bounded memory.

The quick part runs always; the whole, of MUTANTS inputs, is marked slow: `python -m pytest -m slow tests/unit/modalities/images`.
"""

import collections
import contextlib
import gzip
import logging
import resource
import time

import nibabel as nib
import numpy as np
import pytest
import SimpleITK

from osler.modalities.images.read.content import Unusable
from osler.modalities.images.read.volume import files_of, header_of, load_mask, load_volume
from tests.unit.modalities.images.conftest import DICOM
from tests.unit.modalities.images.test_read_fuzz import mutated
from tests.unit.modalities.images.volume_files import enhanced, oblique, ramp, saved, slices_of, to_itk

QUICK, MUTANTS = 600, 12_000
MOST_MEMORY = 1 << 20  # KiB above the start
SMALL = 60_000  # bytes of a seed: a header is hit more often in a small file


def blocks(folder):
    """Return NIfTI of both versions, packed and not, NRRD and MetaImage, as bytes by ending."""
    found = []
    for name, image in (("a", nib.Nifti1Image(ramp(), oblique())), ("b", nib.Nifti2Image(ramp(dtype=np.float32), oblique()))):
        nib.save(image, folder / f"{name}.nii")
        content = (folder / f"{name}.nii").read_bytes()
        found += [(".nii", content), (".nii.gz", gzip.compress(content))]
    for ending in (".nrrd", ".mha"):
        for packed in (False, True):
            SimpleITK.WriteImage(to_itk(ramp(), oblique()), folder / f"c{ending}", useCompression=packed)
            found.append((ending, (folder / f"c{ending}").read_bytes()))
    return found


def series(folder):
    """Return the slices of a series, plain and as pydicom's decoders must read them, and objects of several frames."""
    plain = [path.read_bytes() for path in sorted(saved(folder / "s", slices_of(ramp(), oblique())).iterdir())]
    enhanced(ramp(), oblique()).save_as(folder / "e.dcm")
    files = [p for p in sorted(DICOM.glob("*.dcm")) if p.stat().st_size < SMALL]
    return plain, [(folder / "e.dcm").read_bytes(), *(p.read_bytes() for p in files)]


def attempt(path):
    """Return what becomes of a path: "read", or the code of its refusal; header and values never contradict each other."""
    try:
        files_of(str(path))
        header = header_of(str(path))
        assert np.isfinite(header.affine).all()
        volume = load_volume(str(path))
    except Unusable as fault:
        return fault.code
    assert volume.values.shape == (header.channels, *header.shape)
    assert str(volume.values.dtype) == header.dtype
    with contextlib.suppress(Unusable):  # most are images
        load_mask(str(path), like=header.shape, affine=header.affine)
    return "read"


def hurt(content, generator):
    """Return a mutant; three times of four what says the kind of file is spared, so that the faults lie deeper."""
    kept = 132 if content[128:132] == b"DICM" else 4
    kept = kept if generator.integers(0, 4) else 0
    return content[:kept] + mutated(content[kept:], generator)


def repacked(ending, content, generator):
    """Return a mutant: of the bytes, or where they are packed, every second time of what is inside."""
    if ending != ".nii.gz" or generator.integers(0, 2):
        return hurt(content, generator)
    return gzip.compress(hurt(gzip.decompress(content), generator), 1)


def fuzz(folder, *, count, seed):
    """Read `count` mutants, of blocks, single DICOM files and folders in turn; return how many were read and refused, by code."""
    generator = np.random.default_rng(seed)
    plain, single = series(folder)
    flat = blocks(folder)
    target = folder / "mutant"
    target.mkdir()
    for number, content in enumerate(plain):
        (target / f"{number}.dcm").write_bytes(content)
    codes = collections.Counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        turn = number % 3
        if turn == 0:
            ending, content = flat[int(generator.integers(len(flat)))]
            path = folder / f"mutant{ending}"
            path.write_bytes(repacked(ending, content, generator))
            codes[attempt(path)] += 1
        elif turn == 1:
            path = folder / "mutant.dcm"
            path.write_bytes(hurt(single[int(generator.integers(len(single)))], generator))
            codes[attempt(path)] += 1
        else:
            at = int(generator.integers(len(plain)))
            (target / f"{at}.dcm").write_bytes(hurt(plain[at], generator))
            codes[attempt(target)] += 1
            (target / f"{at}.dcm").write_bytes(plain[at])
    return codes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


@pytest.mark.parametrize("count", [QUICK, pytest.param(MUTANTS, marks=pytest.mark.slow)])
def test_mutated_volumes_are_read_or_refused(tmp_path, capfd, caplog, count):
    began = time.perf_counter()
    with caplog.at_level(logging.WARNING):
        codes, memory = fuzz(tmp_path, count=count, seed=count)
    told = capfd.readouterr()
    (tmp_path / "codes.txt").write_text(f"{codes} {memory >> 10} MiB {time.perf_counter() - began:.1f} s")
    assert sum(codes.values()) == count
    assert codes["read"] > count / 20  # faults that do no harm
    assert codes["damaged"] > count / 20
    assert len(codes) > 8
    assert memory < MOST_MEMORY
    assert (told.out, told.err, caplog.text) == ("", "", "")
