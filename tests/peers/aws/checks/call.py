"""One call, tried once: SERVICE OPERATION PARAMETERS."""

import json
import sys

import aws

service, operation, parameters = sys.argv[1:]
aws.client(service)._make_api_call(operation, json.loads(parameters))
