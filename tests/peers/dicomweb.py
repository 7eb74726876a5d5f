"""What dicomweb-client does with a delivery: every read operation that it has, by its own defaults.

    python tests/peers/dicomweb.py URL TOKEN

URL is the data store's. Stdin has what to ask for: {"study", "series", "instance", "bulk"}.
Prints a JSON object: for each operation {"value"} or {"error"}; bytes as their SHA-256.
"""

import hashlib
import json
import sys

from dicomweb_client import DICOMwebClient

url, token = sys.argv[1:]
asked = json.load(sys.stdin)
client = DICOMwebClient(url, headers={"Authorization": f"Bearer {token}"})
client.set_http_retry_params(retry=False)
study, series, instance = ids = (asked["study"], asked["series"], asked["instance"])


def digest(data):
    return hashlib.sha256(data).hexdigest()


def digests(parts):
    return [digest(part) for part in parts]


def uids(datasets):
    return [str(dataset.SOPInstanceUID) for dataset in datasets]


OPERATIONS = {
    "studies": lambda: client.search_for_studies(),
    "studies, all pages": lambda: client.search_for_studies(limit=1, get_remaining=True),
    "studies, filtered": lambda: client.search_for_studies(
        fuzzymatching=True,
        limit=10,
        offset=0,
        fields=["StudyDescription", "00080062"],
        search_filters={"PatientName": asked["name"], "StudyInstanceUID": study},
    ),
    "series": lambda: client.search_for_series(study),
    "series, all": lambda: client.search_for_series(),
    "series, filtered": lambda: client.search_for_series(study, search_filters={"SeriesInstanceUID": series}),
    "instances": lambda: client.search_for_instances(study, series),
    "instances of the study": lambda: client.search_for_instances(study),
    "instances, all": lambda: client.search_for_instances(),
    "series metadata": lambda: client.retrieve_series_metadata(study, series),
    "instance metadata": lambda: client.retrieve_instance_metadata(*ids),
    "frames": lambda: digests(client.retrieve_instance_frames(*ids, [1])),
    "frames, iterated": lambda: digests(client.iter_instance_frames(*ids, [1])),
    "frames, octets": lambda: digests(
        client.retrieve_instance_frames(*ids, [1], media_types=("application/octet-stream",))
    ),
    "frames, explicit": lambda: digests(
        client.retrieve_instance_frames(
            *ids, [1], media_types=(("application/octet-stream", "1.2.840.10008.1.2.1"),)
        )
    ),
    "frames, several": lambda: digests(client.retrieve_instance_frames(*asked["cine"], [3, 1, 2])),
    "instance": lambda: uids([client.retrieve_instance(*ids)]),
    "bulk data": lambda: digests(client.retrieve_bulkdata(f"{url}/{asked['bulk']}")),
    "bulk data, iterated": lambda: digests(client.iter_bulkdata(f"{url}/{asked['bulk']}")),
    "study metadata": lambda: client.retrieve_study_metadata(study),
    "study": lambda: uids(client.retrieve_study(study)),
    "study, iterated": lambda: uids(client.iter_study(study)),
    "series whole": lambda: uids(client.retrieve_series(study, series)),
    "series whole, iterated": lambda: uids(client.iter_series(study, series)),
    "series rendered": lambda: digest(client.retrieve_series_rendered(study, series)),
    "instance rendered": lambda: digest(client.retrieve_instance_rendered(*ids)),
    "frames rendered": lambda: digest(client.retrieve_instance_frames_rendered(*ids, [1])),
}


def attempt(operation):
    try:
        return {"value": operation()}
    except Exception as error:
        response = getattr(error, "response", None)
        return {"error": str(error), "status": None if response is None else response.status_code}


json.dump({name: attempt(operation) for name, operation in OPERATIONS.items()}, sys.stdout)
