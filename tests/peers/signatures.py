"""Prints the Authorization header that botocore computes, a line for each line of JSON on stdin."""

import base64
import hashlib
import json
import sys

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

for line in sys.stdin:
    asked = json.loads(line)
    body = base64.b64decode(asked["body"])
    url = f"https://{asked['host']}{asked['path']}"
    if asked["query"]:
        url += "?" + asked["query"]
    request = AWSRequest(asked["method"], url, headers=asked["headers"], data=body)
    request.headers["host"] = asked["host"]
    request.headers["X-Amz-Date"] = asked["date"]
    request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(body).hexdigest()
    if asked["token"]:
        request.headers["X-Amz-Security-Token"] = asked["token"]
    request.context["timestamp"] = asked["date"]
    credentials = Credentials(asked["accessKey"], asked["secretKey"], asked["token"])
    signer = SigV4Auth(credentials, asked["service"], asked["region"])
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    print(
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    )
