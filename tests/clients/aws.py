"""The real clients of AWS against the stack: boto3, pycognito, the AWS CLI and curl. Given the ready file; exits 0 or says what is wrong."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from pycognito.aws_srp import AWSSRP
from pycognito.exceptions import ForceChangePasswordException

ready = json.load(open(sys.argv[1]))
sign_ins = int(sys.argv[2])
user, password = ready["user"]["username"], ready["user"]["password"]
keys = {
    "aws_access_key_id": ready["credentials"]["accessKeyId"],
    "aws_secret_access_key": ready["credentials"]["secretAccessKey"],
    "region_name": ready["region"],
}
pool = boto3.client("cognito-idp", endpoint_url=ready["userPoolEndpoint"], **keys)
identities = boto3.client("cognito-identity", endpoint_url=ready["identityPoolEndpoint"], **keys)
client_id = ready["userPoolClientId"]
QUESTION = '{"partner":"Apple","year":2023,"period":"Q1","question":"What was the revenue?"}'


def srp(username, secret):
    return AWSSRP(username=username, password=secret, pool_id=ready["userPoolId"], client_id=client_id, client=pool)


def refused(name, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == name, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{call} was not refused with {name}")


def sign_in_refresh_and_sign_out():
    tokens = srp(user, password).authenticate_user()["AuthenticationResult"]
    attributes = {item["Name"]: item["Value"] for item in pool.get_user(AccessToken=tokens["AccessToken"])["UserAttributes"]}
    assert attributes["email"] == user, attributes
    for renew in (
        lambda: pool.initiate_auth(
            AuthFlow="REFRESH_TOKEN_AUTH", ClientId=client_id, AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]}
        ),
        lambda: pool.get_tokens_from_refresh_token(RefreshToken=tokens["RefreshToken"], ClientId=client_id),
    ):
        renewed = renew()["AuthenticationResult"]
        assert renewed["AccessToken"] != tokens["AccessToken"] and "RefreshToken" not in renewed
    pool.revoke_token(Token=tokens["RefreshToken"], ClientId=client_id)
    revoked = refused("NotAuthorizedException", pool.get_user, AccessToken=tokens["AccessToken"])
    assert revoked == "Access Token has been revoked", revoked
    refused("NotAuthorizedException", pool.get_tokens_from_refresh_token, RefreshToken=tokens["RefreshToken"], ClientId=client_id)


def wrong_passwords_are_refused():
    for username in (user, "nobody@example.edu"):
        text = refused("NotAuthorizedException", srp(username, "wrong-password-1").authenticate_user)
        assert text == "Incorrect username or password.", text


def an_administrators_user_chooses_a_password():
    pool.admin_create_user(UserPoolId=ready["userPoolId"], Username="new@example.edu", TemporaryPassword="Temporary-1234")
    pool.create_group(UserPoolId=ready["userPoolId"], GroupName="staff")
    pool.admin_add_user_to_group(UserPoolId=ready["userPoolId"], Username="new@example.edu", GroupName="staff")
    try:
        srp("new@example.edu", "Temporary-1234").authenticate_user()
        raise AssertionError("no new password was asked for")
    except ForceChangePasswordException:
        pass
    tokens = srp("new@example.edu", "Temporary-1234").set_new_password_challenge("Brand-New-Password-1")["AuthenticationResult"]
    pool.change_password(
        AccessToken=tokens["AccessToken"], PreviousPassword="Brand-New-Password-1", ProposedPassword="Another-Password-2"
    )
    pool.update_user_attributes(AccessToken=tokens["AccessToken"], UserAttributes=[{"Name": "name", "Value": "New"}])
    srp("new@example.edu", "Another-Password-2").authenticate_user()
    pool.global_sign_out(AccessToken=tokens["AccessToken"])
    refused("NotAuthorizedException", pool.get_user, AccessToken=tokens["AccessToken"])


def identities_get_credentials():
    id_token = srp(user, password).authenticate_user()["AuthenticationResult"]["IdToken"]
    logins = {ready["issuer"].split("://")[1]: id_token}
    identity = identities.get_id(IdentityPoolId=ready["identityPoolId"], Logins=logins)["IdentityId"]
    credentials = identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    assert credentials["AccessKeyId"].startswith("ASIA") and credentials["Expiration"].timestamp() > time.time()
    assert identities.get_id(IdentityPoolId=ready["identityPoolId"], Logins=logins)["IdentityId"] == identity
    refused("NotAuthorizedException", identities.get_credentials_for_identity, IdentityId=identity)
    forged = {provider: token[:-6] + "AAAAAA" for provider, token in logins.items()}
    refused("NotAuthorizedException", identities.get_id, IdentityPoolId=ready["identityPoolId"], Logins=forged)
    refused("NotAuthorizedException", identities.get_id, IdentityPoolId=ready["identityPoolId"])


def invoker(credentials):
    keys = {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretKey"],
        "aws_session_token": credentials["SessionToken"],
        "region_name": ready["region"],
    }
    return boto3.client("lambda", endpoint_url=ready["lambdaEndpoint"], **keys)


def an_app_invokes_the_edge_as_its_user_and_nothing_else():
    id_token = srp(user, password).authenticate_user()["AuthenticationResult"]["IdToken"]
    logins = {ready["issuer"].split("://")[1]: id_token}
    identity = identities.get_id(IdentityPoolId=ready["identityPoolId"], Logins=logins)["IdentityId"]
    credentials = identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]
    app = invoker(credentials)
    question = {"partner": "Apple", "year": 2023, "period": "Q1", "question": "What was the revenue?"}
    answer = app.invoke(FunctionName="edge", Payload=json.dumps(question))
    body = json.load(answer["Payload"])
    assert "FunctionError" not in answer and "$117,154 million" in body["answer"], body
    forged = {"requestContext": {"http": {"method": "POST"}, "authorizer": {"jwt": {"claims": {"sub": "root"}}}}, "body": "{}"}
    failed = app.invoke(FunctionName="edge", Payload=json.dumps(forged))
    assert json.load(failed["Payload"])["errorType"] == "missing_fields", failed
    refused("AccessDeniedException", app.invoke, FunctionName="core", Payload="{}")
    refused("InvalidSignatureException", invoker(credentials | {"SecretKey": "wrong"}).invoke, FunctionName="edge", Payload="{}")
    refused("UnrecognizedClientException", invoker(credentials | {"SessionToken": "wrong"}).invoke, FunctionName="edge", Payload="{}")


def curl_signs_for_itself():
    url = f"{ready['lambdaEndpoint']}/2015-03-31/functions/core/invocations"
    secret = f"{keys['aws_access_key_id']}:{keys['aws_secret_access_key']}"
    question = '{"partner":"Apple","year":2023,"period":"Q1","question":"revenue?"}'
    command = ["curl", "-s", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", secret, url, "-d", question]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert "$117,154 million" in answer.stdout, answer
    unsigned = subprocess.run(["curl", "-s", url, "-d", question], capture_output=True, text=True)
    assert json.loads(unsigned.stdout)["message"] == "Missing Authentication Token", unsigned


def the_aws_cli_signs_in():
    aws = os.path.join(os.path.dirname(sys.executable), "aws")
    command = [aws, "cognito-idp", "initiate-auth", "--no-sign-request", "--region", ready["region"], "--client-id", client_id]
    command += ["--endpoint-url", ready["userPoolEndpoint"], "--auth-flow", "USER_PASSWORD_AUTH", "--output", "json"]
    right = subprocess.run([*command, "--auth-parameters", f"USERNAME={user},PASSWORD={password}"], capture_output=True, text=True)
    assert json.loads(right.stdout)["AuthenticationResult"]["IdToken"], right.stderr
    wrong = subprocess.run([*command, "--auth-parameters", f"USERNAME={user},PASSWORD=wrong"], capture_output=True, text=True)
    assert wrong.returncode != 0 and "NotAuthorizedException" in wrong.stderr, wrong.stderr


def identity_credentials():
    id_token = srp(user, password).authenticate_user()["AuthenticationResult"]["IdToken"]
    logins = {ready["issuer"].split("://")[1]: id_token}
    identity = identities.get_id(IdentityPoolId=ready["identityPoolId"], Logins=logins)["IdentityId"]
    return identities.get_credentials_for_identity(IdentityId=identity, Logins=logins)["Credentials"]


def sent(prepared):
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    request = urllib.request.Request(prepared.url, data=body, headers=dict(prepared.headers), method=prepared.method)
    return urllib.request.urlopen(request)


# The README shows this function.
def signed(method, url, credentials, body=None):
    headers = {"Content-Type": "application/json"} if body else {}
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(credentials, "lambda", "us-east-1").add_auth(request)
    return request.prepare()


def botocore_signs_for_a_function_url():
    own = Credentials(keys["aws_access_key_id"], keys["aws_secret_access_key"])
    query = "partner=Apple&year=2023&period=Q1&question=What%20was%20the%20revenue%3F"
    url = ready["functionUrl"] + "/"
    answer = json.load(sent(signed("GET", f"{url}?{query}", own)))
    assert "$117,154 million" in answer["answer"], answer
    answer = json.load(sent(signed("POST", url, own, QUESTION)))
    assert "$117,154 million" in answer["answer"], answer
    pool_keys = identity_credentials()
    app = Credentials(pool_keys["AccessKeyId"], pool_keys["SecretKey"], pool_keys["SessionToken"])
    assert "$117,154 million" in json.load(sent(signed("POST", url, app, QUESTION)))["answer"]
    for wrong in (Credentials(own.access_key, "wrong"), Credentials(app.access_key, app.secret_key, "wrong")):
        try:
            sent(signed("POST", url, wrong, QUESTION))
            raise AssertionError("it was let in")
        except urllib.error.HTTPError as error:
            assert error.code == 403, error


def curl_and_awscurl_sign_for_a_function_url():
    secret = f"{keys['aws_access_key_id']}:{keys['aws_secret_access_key']}"
    for url, there in ((ready["functionUrl"], "$117,154 million"), (ready["streamFunctionUrl"], "event: done")):
        command = ["curl", "-sN", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", secret]
        command += ["-H", "Content-Type: application/json", url + "/", "-d", QUESTION]
        answer = subprocess.run(command, capture_output=True, text=True)
        assert there in answer.stdout, answer
    awscurl = os.path.join(os.path.dirname(sys.executable), "awscurl")
    command = [awscurl, "--service", "lambda", "--region", "us-east-1", "--access_key", keys["aws_access_key_id"]]
    command += ["--secret_key", keys["aws_secret_access_key"], "-X", "POST", "-d", QUESTION, ready["functionUrl"] + "/"]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert "$117,154 million" in answer.stdout, answer


def boto3_streams():
    app = invoker(identity_credentials())
    answer = app.invoke_with_response_stream(FunctionName="edge-stream", Payload=QUESTION)
    events = list(answer["EventStream"])
    text = b"".join(event["PayloadChunk"]["Payload"] for event in events if "PayloadChunk" in event).decode()
    assert "$117,154 million" in text and "event: done" in text and len(events) > 2, events
    assert "ErrorCode" not in events[-1]["InvokeComplete"], events
    refused("AccessDeniedException", app.invoke_with_response_stream, FunctionName="core", Payload="{}")


def a_mobile_apps_request_is_taken_as_it_is_sent():
    """What Amplify's Lambda client of a phone puts on the wire, written out: Invoke, JSON, temporary credentials."""
    credentials = identity_credentials()
    app = Credentials(credentials["AccessKeyId"], credentials["SecretKey"], credentials["SessionToken"])
    url = f"{ready['lambdaEndpoint']}/2015-03-31/functions/edge/invocations"
    body = QUESTION.encode()
    headers = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Invocation-Type": "RequestResponse", "X-Amz-Log-Type": "None"}
    request = AWSRequest(method="POST", url=url, data=body, headers=headers)
    SigV4Auth(app, "lambda", "us-east-1").add_auth(request)
    answer = sent(request.prepare())
    assert "$117,154 million" in json.load(answer)["answer"] and "X-Amz-Function-Error" not in answer.headers


def what_is_not_there_says_so():
    assert refused("UnknownOperationException", pool.describe_user_pool, UserPoolId=ready["userPoolId"]) == (
        "DescribeUserPool is not supported here"
    )


def many_sign_ins_in_a_row():
    for _ in range(sign_ins):
        srp(user, password).authenticate_user()


for check in (
    sign_in_refresh_and_sign_out,
    wrong_passwords_are_refused,
    an_administrators_user_chooses_a_password,
    identities_get_credentials,
    an_app_invokes_the_edge_as_its_user_and_nothing_else,
    curl_signs_for_itself,
    the_aws_cli_signs_in,
    botocore_signs_for_a_function_url,
    curl_and_awscurl_sign_for_a_function_url,
    boto3_streams,
    a_mobile_apps_request_is_taken_as_it_is_sent,
    what_is_not_there_says_so,
    many_sign_ins_in_a_row,
):
    check()
    print(f"{check.__name__}: ok")
