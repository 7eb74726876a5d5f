"""The built-in study's instances, without an encoder: make.mjs has one.

    python pixels.py frames WORK          every frame, uncompressed, and their list
    python pixels.py pack WORK OUT        DICOM files of the frames that were encoded

pydicom==3.0.2, and nothing else. The phantom is made of formulas, and so it is
the same everywhere.
"""

import json
import math
import sys
import uuid
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2KLosslessRPCL, PYDICOM_IMPLEMENTATION_UID

assert pydicom.__version__ == "3.0.2", pydicom.__version__

SIZE = 128
SLICES = 24
CINE = 96
BEATS = 12
AIR = -1000
# 3 x 5 dots a digit, row by row.
GLYPHS = ["75557", "26227", "71747", "71717", "55711", "74717", "74757", "71244", "75757", "75717"]


def uid(name):
    """A UID from a UUID (PS3.5, B.2): of the name, so always the same."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, 'frames phantom ' + name).int}"


def noise(x, y, z):
    """Between -8 and 7, the same on every machine."""
    seed = (x * 73856093 ^ y * 19349663 ^ z * 83492791) & 0xFFFFFFFF
    seed = (seed ^ (seed >> 13)) * 1274126177 & 0xFFFFFFFF
    return ((seed >> 16) & 15) - 8


def inside(x, y, z, centre, radii):
    return sum(((a - c) / r) ** 2 for a, c, r in zip((x, y, z), centre, radii)) <= 1


# Hounsfield units of ellipsoids, the later over the earlier; all in -1 to 1.
BODY = [
    (-90, (0, 0, 0), (0.92, 0.70, 9)),
    (45, (0, 0, 0), (0.86, 0.63, 9)),
    (-850, (-0.42, -0.06, 0.25), (0.33, 0.44, 0.95)),
    (-850, (0.42, -0.06, 0.25), (0.33, 0.44, 0.95)),
    (150, (0.10, -0.12, 0.15), (0.24, 0.25, 0.5)),
    (60, (-0.35, 0.05, -1.05), (0.45, 0.42, 0.6)),
    (700, (0, 0.44, 0), (0.12, 0.11, 9)),
    (30, (0, 0.44, 0), (0.05, 0.04, 9)),
    (120, (-0.48, -0.15, 0.35), (0.08, 0.08, 0.16)),
]


def units(x, y, z):
    value = AIR
    for density, centre, radii in BODY:
        if inside(x, y, z, centre, radii):
            value = density
    # Ribs: they slope, and so each slice cuts them elsewhere.
    ring = math.hypot(x / 0.83, y / 0.60)
    if 0.93 < ring < 1.0 and math.sin(9 * z + 4 * math.atan2(y, abs(x))) > 0.55:
        value = 600
    return value


def burn(pixels, width, number, value):
    """Writes the number into the upper left corner, three pixels a dot."""
    for place, digit in enumerate(f"{number:02d}"):
        for row, dots in enumerate(GLYPHS[int(digit)]):
            for column in range(3):
                if int(dots) >> (2 - column) & 1:
                    for dot in range(9):
                        y = 3 + row * 3 + dot // 3
                        x = 3 + place * 12 + column * 3 + dot % 3
                        pixels[y * width + x] = value


def ct_slice(index):
    z = 2 * index / (SLICES - 1) - 1
    pixels = []
    for row in range(SIZE):
        for column in range(SIZE):
            x, y = (2 * column + 1) / SIZE - 1, (2 * row + 1) / SIZE - 1
            value = units(x, y, z)
            pixels.append(value + (noise(column, row, index) if value > AIR else 0) + 1024)
    burn(pixels, SIZE, index + 1, 1024 + 1000)
    return b"".join(value.to_bytes(2, "little") for value in pixels)


def us_frame(beat):
    """A ventricle that contracts, in a fan of echoes."""
    phase = math.sin(math.pi * beat / BEATS) ** 2
    radius = 0.34 - 0.14 * phase
    pixels = []
    for row in range(CINE):
        for column in range(CINE):
            x, y = (2 * column + 1) / CINE - 1, (row + 1) / CINE
            value = 0
            if abs(math.atan2(x, y)) < 0.7 and math.hypot(x, y) < 0.98:
                value = 70 + 4 * noise(column, row, 0)
                distance = math.hypot(x, (y - 0.55) * 1.3)
                if distance < radius + 0.09:
                    value = 190 + 4 * noise(column, row, beat)
                if distance < radius:
                    value = 12
            pixels.append(max(0, min(255, value)))
    burn(pixels, CINE, beat + 1, 255)
    return bytes(pixels)


def common(series, instance):
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPInstanceUID = uid(f"instance {series}.{instance}")
    dataset.StudyInstanceUID = uid("study")
    dataset.SeriesInstanceUID = uid(f"series {series}")
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260302"
    dataset.StudyTime = "101500"
    dataset.SeriesTime = dataset.ContentTime = f"10{15 + series}00"
    dataset.AccessionNumber = "PH-0001"
    dataset.Manufacturer = "frames"
    dataset.InstitutionName = "Formula Hospital"
    dataset.ReferringPhysicianName = "Euler^Leonhard^^Dr."
    dataset.StudyDescription = "Thorax phantom"
    dataset.PatientName = "Phantom^Thea"
    dataset.PatientID = "PHANTOM-1"
    dataset.PatientBirthDate = "19700101"
    dataset.PatientSex = "F"
    dataset.PatientAge = "056Y"
    dataset.StudyID = "1"
    dataset.SeriesNumber = series
    dataset.InstanceNumber = instance
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelRepresentation = 0
    dataset.BurnedInAnnotation = "YES"
    return dataset


def ct(index):
    dataset = common(1, index + 1)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.Modality = "CT"
    dataset.SeriesDescription = "Thorax 10 mm"
    dataset.BodyPartExamined = "CHEST"
    dataset.PatientPosition = "HFS"
    dataset.KVP = 120
    dataset.SliceThickness = 10
    dataset.SpacingBetweenSlices = 10
    dataset.FrameOfReferenceUID = uid("frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-160 + 1.25, -160 + 1.25, -115 + 10 * index]
    dataset.SliceLocation = -115 + 10 * index
    dataset.PixelSpacing = [2.5, 2.5]
    dataset.Rows = dataset.Columns = SIZE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = 40, 400
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = -1024, 1, "HU"
    return dataset, [ct_slice(index)]


def us():
    dataset = common(2, 1)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.Modality = "US"
    dataset.SeriesDescription = "Heart, cine"
    dataset.BodyPartExamined = "HEART"
    dataset.NumberOfFrames = BEATS
    dataset.FrameTime = 80
    dataset.FrameIncrementPointer = 0x00181063
    dataset.PixelSpacing = [1, 1]
    dataset.Rows = dataset.Columns = CINE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    dataset.LossyImageCompression = "00"
    return dataset, [us_frame(beat) for beat in range(BEATS)]


def sample(name):
    """A slice of pydicom's, as it is but for its pixels."""
    dataset = pydicom.dcmread(get_testdata_file(f"{name}.dcm", download=False))
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    pixels = dataset.PixelData
    assert len(pixels) == dataset.Rows * dataset.Columns * 2
    del dataset.PixelData
    if "DataSetTrailingPadding" in dataset:
        del dataset.DataSetTrailingPadding
    bare = Dataset()
    bare.update(dataset)
    return bare, [pixels]


def instances():
    yield "ct_small", sample("CT_small")
    yield "mr_small", sample("MR_small")
    for index in range(SLICES):
        yield f"phantom_ct_{index + 1:02d}", ct(index)
    yield "phantom_us", us()


def write_frames(work):
    index = []
    for name, (dataset, frames) in instances():
        for number, frame in enumerate(frames, 1):
            (work / f"{name}.{number}.raw").write_bytes(frame)
        index.append(
            {
                "name": name,
                "frames": len(frames),
                "rows": dataset.Rows,
                "columns": dataset.Columns,
                "bitsPerSample": dataset.BitsStored,
                "signed": dataset.PixelRepresentation == 1,
            }
        )
    (work / "index.json").write_text(json.dumps(index))


def pack(work, out):
    for name, (dataset, frames) in instances():
        numbers = range(1, len(frames) + 1)
        encoded = [(work / f"{name}.{number}.jph").read_bytes() for number in numbers]
        dataset.PixelData = encapsulate(encoded, has_bot=len(encoded) > 1)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        meta = FileMetaDataset()
        meta.FileMetaInformationVersion = b"\0\1"
        meta.MediaStorageSOPClassUID = dataset.SOPClassUID
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        meta.TransferSyntaxUID = HTJ2KLosslessRPCL
        meta.ImplementationClassUID = PYDICOM_IMPLEMENTATION_UID
        dataset.file_meta = meta
        dataset.save_as(out / f"{name}.dcm", enforce_file_format=True)


step, work, *rest = sys.argv[1:]
if step == "frames":
    write_frames(Path(work))
else:
    pack(Path(work), Path(rest[0]))
