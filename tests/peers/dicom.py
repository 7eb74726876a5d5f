"""pydicom's reading of files beside that of `frames dev --dicom`.

    dicom.py gather STUDY OUT     a folder of files of many transfer syntaxes
    dicom.py check URL OUT        asks for each frame, and compares; JSON to stdout
    dicom.py metadata URL OUT     asks for the metadata of image sets, and compares; the sets on
                                  stdin, by study and series; JSON to stdout

A frame is asked for as it is stored and as octets. Both are given to pydicom
anew: they have to decode to what it reads in the file itself.
"""

import base64
import gzip
import io
import json
import sys
import zlib
import urllib.error
import urllib.request
from copy import deepcopy
from pathlib import Path

import numpy
import pydicom
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_has_tag, dictionary_VM
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


def metadata(url, folder):
    sets = json.load(sys.stdin)
    report = {"files": 0, "elements": 0, "checksums": 0, "failures": []}
    documents = {}
    # As the file says it.
    pydicom.config.replace_un_with_known_vr = False
    for path in sorted(folder.glob("*.dcm")):
        dataset = pydicom.dcmread(path)
        study, series = dataset.StudyInstanceUID, dataset.SeriesInstanceUID
        id = sets[f"{study}/{series}"]
        if id not in documents:
            request = urllib.request.Request(
                f"{url}/imageSet/{id}/getImageSetMetadata", data=b"", method="POST"
            )
            with urllib.request.urlopen(request, timeout=60) as answer:
                documents[id] = json.loads(gzip.decompress(answer.read()))
        document = documents[id]
        one = document["Study"]["Series"][series]
        instance = one["Instances"][dataset.SOPInstanceUID]
        said = dict(instance["DICOM"])
        # What is above is what the first of several instances says.
        alone = len(one["Instances"]) == 1
        for level in (document["Patient"], document["Study"], one):
            said |= {key: value if alone else ... for key, value in level["DICOM"].items()}
        report["files"] += 1
        failures = [*differences(report, said, instance, dataset), *frames(report, instance, dataset)]
        report["failures"] += [f"{path.name}: {failure}" for failure in failures]
    json.dump(report, sys.stdout)


def differences(report, said, instance, dataset):
    for element in [*dataset.file_meta, *dataset]:
        tag = element.tag
        if tag.group >= 0x7FE0 or (tag.element == 0 and tag.group != 2):
            continue
        # One of a repeating group has no entry of its own.
        known = dictionary_has_tag(tag) and not tag.is_private
        key = element.keyword if known else f"{int(tag):08X}"
        report["elements"] += 1
        if key not in said:
            yield f"{key} is missing"
            continue
        vr = instance["DICOMVRs"].get(key)
        if not known and vr is None:
            yield f"{key} has no VR"
        if vr == "UN" and element.VR != "UN":
            # pydicom knows some makers' private elements; the file doesn't say what they are.
            continue
        got = said[key]
        if got is ...:
            continue
        several = known and element.VR not in ("SQ", "UN") and dictionary_VM(tag) != "1"
        if got is not None and several and not isinstance(got, list):
            yield f"{key} is no list: {got!r}"
        if element.VR == "SQ":
            if len(got) != len(element.value):
                yield f"{key} has {len(got)} items"
        elif not alike(got, element, vr or element.VR):
            yield f"{key} is {got!r}, and pydicom reads {element.value!r}"


def alike(got, element, vr):
    value = element.value
    if element.is_empty or value is None:
        return got in (None, [None])
    if isinstance(value, bytes):
        # A creator's name, in a file that says no more than its bytes.
        text = isinstance(got, str) and vr == "LO"
        return (got.encode() if text else base64.b64decode(got)) == value.rstrip(b" " if text else b"")
    values = list(value) if element.VM > 1 else [value]
    given = got if isinstance(got, list) else [got]
    if element.VR == "AT":
        return given == [f"{int(one):08X}" for one in values]
    if element.VR == "FL":
        return [numpy.float32(one) for one in given] == [numpy.float32(one) for one in values]
    if element.VR in ("DS", "IS", "FD", "SL", "SS", "UL", "US", "SV", "UV"):
        return [float(one) for one in given] == [float(one) for one in values]
    text = lambda one: str(one or "").rstrip(" \0")
    return [text(one) for one in given] == [text(one) for one in values]


def frames(report, instance, dataset):
    """Of native frames of whole samples, checksum and range are what pydicom reads."""
    count = int(dataset.get("NumberOfFrames") or 1)
    if len(instance["ImageFrames"]) != count:
        yield f"{len(instance['ImageFrames'])} frames, and not {count}"
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated or dataset.BitsAllocated not in (8, 16):
        return
    if dataset.SamplesPerPixel > 1 or "PixelRepresentation" not in dataset:
        return
    for index, frame in enumerate(instance["ImageFrames"]):
        pixels = pixel_array(dataset, index=index, raw=True)
        (full,) = frame["PixelDataChecksumFromBaseToFullResolution"]
        small = pixels.astype(pixels.dtype.newbyteorder("<"))
        if full["Checksum"] != zlib.crc32(small.tobytes()):
            yield f"another checksum of frame {index + 1}"
        if (full["Height"], full["Width"]) != pixels.shape:
            yield f"another size of frame {index + 1}: {full}"
        said = (frame["MinPixelValue"], frame["MaxPixelValue"])
        if said != (pixels.min(), pixels.max()):
            yield f"frame {index + 1} is from {said[0]} to {said[1]}"
        report["checksums"] += 1


step, first, second = sys.argv[1:]
if step == "gather":
    gather(first, Path(second))
elif step == "metadata":
    metadata(first, Path(second))
else:
    check(first, Path(second))
