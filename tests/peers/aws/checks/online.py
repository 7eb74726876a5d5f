"""What `validate --online` asks: each service answers, for what is there and for what isn't."""

import aws

cognito, ssm, waf = aws.client("cognito-idp"), aws.client("ssm"), aws.client("wafv2")
pool = cognito.create_user_pool(PoolName="radiology")["UserPool"]["Id"]
client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="viewer")["UserPoolClient"]["ClientId"]
assert cognito.describe_user_pool(UserPoolId=pool)["UserPool"]["Name"] == "radiology"
assert cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]["ClientName"] == "viewer"
assert aws.refused(cognito.describe_user_pool, UserPoolId="us-east-1_abcdefghi")[0] == "ResourceNotFoundException"
assert aws.refused(
    cognito.describe_user_pool_client, UserPoolId=pool, ClientId="absent")[0] == "ResourceNotFoundException"

acm = aws.client("acm")
arn = acm.request_certificate(DomainName="frames.example.org", SubjectAlternativeNames=["*.example.org"])["CertificateArn"]
certificate = acm.describe_certificate(CertificateArn=arn)["Certificate"]
assert certificate["Status"] == "ISSUED" and "*.example.org" in certificate["SubjectAlternativeNames"], certificate
absent = arn[:-12] + "0" * 12
assert aws.refused(acm.describe_certificate, CertificateArn=absent)[0] == "ResourceNotFoundException"

acl = waf.create_web_acl(
    Name="frames", Scope="CLOUDFRONT", DefaultAction={"Allow": {}},
    VisibilityConfig={"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"})["Summary"]
assert waf.get_web_acl(Name="frames", Scope="CLOUDFRONT", Id=acl["Id"])["WebACL"]["ARN"] == acl["ARN"]
absent = acl["Id"][:-12] + "0" * 12
assert aws.refused(waf.get_web_acl, Name="frames", Scope="CLOUDFRONT", Id=absent)[0] == "WAFNonexistentItemException"

ssm.put_parameter(Name="/frames/plain", Value="one", Type="String")
ssm.put_parameter(Name="/frames/secret", Value="two", Type="SecureString")
assert ssm.get_parameter(Name="/frames/plain")["Parameter"]["Value"] == "one"
assert ssm.get_parameter(Name="/frames/secret")["Parameter"]["Value"] != "two"
assert ssm.get_parameter(Name="/frames/secret", WithDecryption=True)["Parameter"]["Value"] == "two"
assert aws.refused(ssm.get_parameter, Name="/frames/absent")[0] == "ParameterNotFound"

assert aws.client("sts").get_caller_identity()["Account"] == aws.ACCOUNT

imaging = aws.client("medical-imaging", "us-west-2")
store = "1234567890abcdef" * 2
aws.control("POST", "settings", {"datastores": {store: "ACTIVE"}})
properties = imaging.get_datastore(datastoreId=store)["datastoreProperties"]
assert properties["datastoreStatus"] == "ACTIVE" and ":us-west-2:" in properties["datastoreArn"], properties
assert [entry["datastoreId"] for entry in imaging.list_datastores()["datastoreSummaries"]] == [store]
assert aws.refused(imaging.get_datastore, datastoreId="0" * 32)[0] == "ResourceNotFoundException"
