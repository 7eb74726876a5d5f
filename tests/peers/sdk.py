"""What AWS's SDK for Python does with a delivery: native reads, each as the SDK sends them.

    python tests/peers/sdk.py URL TOKEN

Stdin has what to ask for: {"datastore", "set", "frame"}. Prints a JSON object: for each case
{"type", "sha256"} of the frame, {"type", "encoding", "set", "frames"} of an image set's metadata with
each frame that it names, or {"status", "code"} of the SDK's error; and whether it was signed.
"""

import gzip
import hashlib
import json
import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

url, token = sys.argv[1:]
asked = json.load(sys.stdin)
OTHER = "f" * 32

signed = None


def look(request, **_):
    global signed
    value = request.headers.get("Authorization", b"")
    signed = bytes(value).startswith(b"AWS4-HMAC-SHA256 ")


def client(token, **config):
    made = boto3.client(
        "medical-imaging",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="unused",
        aws_secret_access_key="unused",
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}, **config),
    )

    def add_token(params, **_):
        params["headers"]["token"] = token

    made.meta.events.register("before-send.medical-imaging", look)
    if token is not None:
        made.meta.events.register("before-call.medical-imaging", add_token)
    return made


IDS = {"datastoreId": asked["datastore"], "imageSetId": asked["set"]}


def frame(client, id=asked["frame"], **other):
    answer = client.get_image_frame(
        imageFrameInformation={"imageFrameId": id}, **{**IDS, **other}
    )
    bytes = answer["imageFrameBlob"].read()
    return {"type": answer["contentType"], "sha256": hashlib.sha256(bytes).hexdigest()}


def metadata(client, **other):
    answer = client.get_image_set_metadata(**{**IDS, **other})
    document = json.loads(gzip.decompress(answer["imageSetMetadataBlob"].read()))
    series = document["Study"]["Series"].values()
    instances = [one for each in series for one in each["Instances"].values()]
    return {
        "type": answer["contentType"],
        "encoding": answer["contentEncoding"],
        "set": document["ImageSetID"],
        "frames": [frame(client, it["ID"]) for one in instances for it in one["ImageFrames"]],
    }


good = client(token)
CASES = {
    "frame": lambda: frame(good),
    "the same again": lambda: frame(good),
    "unsigned": lambda: frame(client(token, signature_version=UNSIGNED)),
    "no token": lambda: frame(client(None)),
    "no token, unsigned": lambda: frame(client(None, signature_version=UNSIGNED)),
    "a wrong token": lambda: frame(client(token[:-4])),
    "an unknown image set": lambda: frame(good, imageSetId=OTHER),
    "another data store": lambda: frame(good, datastoreId=OTHER),
    "metadata": lambda: metadata(good),
    "metadata, version 1": lambda: metadata(good, versionId="1"),
    "metadata, version 2": lambda: metadata(good, versionId="2"),
    "metadata, no token": lambda: metadata(client(None)),
    "metadata of another data store": lambda: metadata(good, datastoreId=OTHER),
}


def attempt(case):
    try:
        return case()
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"status": status, "code": error.response["Error"]["Code"]}


json.dump({name: {**attempt(case), "signed": signed} for name, case in CASES.items()}, sys.stdout)
