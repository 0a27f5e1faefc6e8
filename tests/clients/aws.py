"""The real clients of AWS against the stack: boto3, pycognito, the AWS CLI and curl. Given the ready file; exits 0 or says what is wrong."""

import json
import os
import subprocess
import sys
import time

import boto3
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
    guest = identities.get_id(IdentityPoolId=ready["identityPoolId"])["IdentityId"]
    identities.get_credentials_for_identity(IdentityId=guest)


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
    guest = identities.get_id(IdentityPoolId=ready["identityPoolId"])["IdentityId"]
    guest = identities.get_credentials_for_identity(IdentityId=guest)["Credentials"]
    refused("AccessDeniedException", invoker(guest).invoke, FunctionName="edge", Payload="{}")


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
    what_is_not_there_says_so,
    many_sign_ins_in_a_row,
):
    check()
    print(f"{check.__name__}: ok")
