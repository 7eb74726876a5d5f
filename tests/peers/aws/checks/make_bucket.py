"""One mutating call, tried once."""

import sys

import aws

aws.client("s3").create_bucket(Bucket=sys.argv[1])
