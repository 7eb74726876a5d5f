"""Takes pydicom's sample slices apart: pixels and metadata, for make.mjs.

Usage: python pixels.py OUT_DIR     (pydicom==3.0.2)
"""

import json
import sys
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

assert pydicom.__version__ == "3.0.2", pydicom.__version__
out = Path(sys.argv[1])

for name in ("CT_small", "MR_small"):
    dataset = pydicom.dcmread(get_testdata_file(f"{name}.dcm", download=False))
    assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    pixels = dataset.PixelData
    assert len(pixels) == dataset.Rows * dataset.Columns * 2
    del dataset.PixelData
    if "DataSetTrailingPadding" in dataset:
        del dataset.DataSetTrailingPadding
    stem = name.lower()
    (out / f"{stem}.raw").write_bytes(pixels)
    # DICOM JSON (PS3.18, annex F): what GetDICOMInstanceMetadata answers.
    metadata = json.dumps([dataset.to_json_dict()], sort_keys=True, separators=(",", ":"))
    (out / f"{stem}.metadata.json").write_text(metadata + "\n")
    (out / f"{stem}.facts.json").write_text(
        json.dumps(
            {
                "studyUid": dataset.StudyInstanceUID,
                "seriesUid": dataset.SeriesInstanceUID,
                "instanceUid": dataset.SOPInstanceUID,
                "rows": dataset.Rows,
                "columns": dataset.Columns,
                "bitsPerSample": dataset.BitsAllocated,
                "signed": dataset.PixelRepresentation == 1,
            }
        )
    )
