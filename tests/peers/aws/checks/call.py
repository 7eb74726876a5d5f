"""One call, tried once: SERVICE OPERATION PARAMETERS."""

import json
import sys

import aws
import botocore

service, operation, parameters = sys.argv[1:]
getattr(aws.client(service), botocore.xform_name(operation))(**json.loads(parameters))
