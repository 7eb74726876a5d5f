"""Whose credentials botocore, and so the AWS CLI, takes: the account's number, or the name of the error.

The one argument is what `--profile` names; empty: there is no `--profile`."""

import sys

import botocore.exceptions
import botocore.session

session = botocore.session.Session(profile=sys.argv[1] or None)
try:
    print(session.create_client("sts", "us-east-1").get_caller_identity()["Account"])
except (botocore.exceptions.ProfileNotFound, botocore.exceptions.NoCredentialsError) as error:
    print(type(error).__name__)
