"""pydicom's reading of files beside that of `frames dev --dicom`.

    dicom.py gather STUDY OUT     a folder of files of many transfer syntaxes
    dicom.py check URL OUT        asks for each frame, and compares; JSON to stdout

A frame is asked for as it is stored and as octets. Both are given to pydicom
anew: they have to decode to what it reads in the file itself.
"""

import io
import json
import sys
import urllib.error
import urllib.request
from copy import deepcopy
from pathlib import Path

import numpy
import pydicom
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import ExplicitVRLittleEndian, UID

JPEG = [f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70)]
# Two decoders' inverse transforms differ, and so do their ways to widen colours.
LOSSY = JPEG[:2] + ["1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.203"]


def gather(study, out):
    samples = Path(get_testdata_file("CT_small.dcm", download=False)).parent
    number = 0
    for path in [*sorted(samples.glob("*.dcm")), *sorted(Path(study).glob("*.dcm"))]:
        number += 1
        try:
            dataset = pydicom.dcmread(path)
            pixel_array(dataset, raw=True)
            written = renamed(dataset, number)
        except Exception:  # Not all of pydicom's samples are whole, on purpose.
            continue
        (out / f"{number:03d}-{path.name}").write_bytes(written)


def renamed(dataset, number):
    """The file as an instance of its own: many a sample is another form of the same."""
    dataset.SOPInstanceUID = f"1.2.3.4.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID"):
        if not dataset.get(keyword):
            setattr(dataset, keyword, f"1.2.3.5.{number}")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def get(url, accept):
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def part(headers, body):
    """The only part of a multipart, and its transfer syntax."""
    boundary = headers["Content-Type"].split("boundary=")[1].encode()
    (_, one, end) = body.split(b"--" + boundary)
    assert end == b"--\r\n", end
    head, _, rest = one.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    kind = head.decode().removeprefix("Content-Type: ")
    return kind.split("transfer-syntax=")[1], rest[:-2]


def decoded(dataset, syntax, frame, raw=True):
    """The frame in the attributes of its own instance, by pydicom."""
    one = deepcopy(dataset)
    one.file_meta.TransferSyntaxUID = UID(syntax)
    one.NumberOfFrames = 1
    for keyword in ("ExtendedOffsetTable", "ExtendedOffsetTableLengths"):
        if keyword in one:
            delattr(one, keyword)
    if UID(syntax).is_encapsulated:
        one.PixelData = encapsulate([frame])
        one["PixelData"].is_undefined_length = True
        one["PixelData"].VR = "OB"
    else:
        one.PixelData = frame + b"\0" * (len(frame) % 2)
        one["PixelData"].VR = "OW" if one.BitsAllocated > 8 else "OB"
    # Its own byte order counts, not the file's.
    one.set_original_encoding(False, True)
    return pixel_array(one, raw=raw)


def same(ours, theirs, lossy):
    if ours.shape != theirs.shape:
        return f"{ours.shape} and {theirs.shape}"
    if numpy.array_equal(ours, theirs):
        return None
    off = numpy.abs(ours.astype("int64") - theirs.astype("int64"))
    if lossy and off.mean() < 3:
        return None
    return f"off by {off.max()}, {off.mean():.3f} on average"


def check(url, folder):
    report = {"files": 0, "frames": 0, "octets": 0, "syntaxes": [], "undecoded": [], "failures": []}
    for path in sorted(folder.glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        stored = dataset.file_meta.TransferSyntaxUID
        report["files"] += 1
        if stored not in report["syntaxes"]:
            report["syntaxes"].append(stored)
        base = (
            f"{url}/studies/{dataset.StudyInstanceUID}/series/{dataset.SeriesInstanceUID}"
            f"/instances/{dataset.SOPInstanceUID}/frames/"
        )
        for index in range(int(dataset.get("NumberOfFrames") or 1)):
            report["frames"] += 1
            accept = "multipart/related; type=application/octet-stream; transfer-syntax="
            wrong = compare(report, dataset, base + str(index + 1), index, accept)
            if wrong:
                report["failures"].append(f"{path.name} frame {index + 1}, {stored.name}: {wrong}")
    json.dump(report, sys.stdout)


def compare(report, dataset, url, index, accept):
    stored = dataset.file_meta.TransferSyntaxUID
    theirs = pixel_array(dataset, index=index, raw=True)
    status, headers, body = get(url, accept + "*")
    if status != 200:
        return f"as stored: {status} {body[:200]}"
    syntax, frame = part(headers, body)
    expected = stored if stored.is_encapsulated else ExplicitVRLittleEndian
    if syntax != expected:
        return f"as stored it is {syntax}"
    wrong = same(decoded(dataset, syntax, frame), theirs, False)
    if wrong:
        return f"as stored: {wrong}"
    status, headers, body = get(url, accept + ExplicitVRLittleEndian)
    if status == 406:
        form = f"{stored.name}, {dataset.BitsAllocated} bits"
        if form not in report["undecoded"]:
            report["undecoded"].append(form)
        return None
    if status != 200:
        return f"as octets: {status} {body[:200]}"
    syntax, octets = part(headers, body)
    report["octets"] += 1
    plain = deepcopy(dataset)
    if stored.is_encapsulated and plain.SamplesPerPixel > 1:
        plain.PlanarConfiguration = 0
    # Decoders of JPEG give colours.
    if stored in JPEG and plain.PhotometricInterpretation.startswith("YBR"):
        plain.PhotometricInterpretation = "RGB"
        theirs = pixel_array(dataset, index=index)
    wrong = same(decoded(plain, syntax, octets), theirs, stored in LOSSY)
    return f"as octets: {wrong}" if wrong else None


step, first, second = sys.argv[1:]
if step == "gather":
    gather(first, Path(second))
else:
    check(first, Path(second))
