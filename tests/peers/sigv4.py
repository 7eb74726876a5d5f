"""Prints the Authorization header that botocore computes for the request on stdin."""

import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

question = json.load(sys.stdin)
credentials = Credentials(question["accessKey"], question["secretKey"], question["token"])
request = AWSRequest(
    question["method"], question["url"], headers=question["headers"], data=question["body"].encode()
)
request.headers["X-Amz-Date"] = question["date"]
request.headers["X-Amz-Security-Token"] = question["token"]
request.context["timestamp"] = question["date"]

signer = SigV4Auth(credentials, question["service"], question["region"])
signature = signer.signature(
    signer.string_to_sign(request, signer.canonical_request(request)), request
)
names = signer.signed_headers(signer.headers_to_sign(request))
print(
    f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
)
