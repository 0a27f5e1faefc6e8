"""What a person may choose of the template, what must be refused, and what single choices come to."""

ACCOUNT = "123456789012"
PROFILE = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"

# What a person may choose, and where the stack is. One choice may set several parameters.
SWITCHES = {
    "region": [
        {"AWS::Region": "us-east-1", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"},
        {"AWS::Region": "cn-north-1", "AWS::Partition": "aws-cn", "AWS::URLSuffix": "amazonaws.com.cn"},
        {"AWS::Region": "us-gov-west-1", "AWS::Partition": "aws-us-gov", "AWS::URLSuffix": "amazonaws.com"},
    ],
    "pool": [{}, {"UserPoolId": "us-east-1_Example", "UserPoolClientId": "client"}],
    "sign-up": [{}, {"SelfSignUp": "off"}],
    "core": [
        {},
        {"BedrockModelId": "us.amazon.nova-lite-v1:0"},
        {"BedrockModelId": PROFILE},
        {"CoreFunction": "core"},
        {"CoreFunction": "core", "CoreAccountId": "210987654321"},
    ],
    "stage": [{}, {"StageName": "v1"}],
    "edge URL": [{}, {"EdgeUrlAuth": "AWS_IAM"}, {"EdgeUrlAuth": "NONE"}],
    "stream API": [
        {},
        {"StreamApi": "on"},
        {"StreamApi": "on", "StreamApiLog": "account-role"},
        {"StreamApi": "on", "StreamApiLog": "off"},
    ],
    "stream URL": [{}, {"StreamUrlAuth": "AWS_IAM"}, {"StreamUrlAuth": "NONE"}],
    "stream time-out": [{}, {"StreamTimeoutSeconds": "900"}],
    "identity pool": [{}, {"IdentityPool": "on"}],
    "headers": [{}, {"AllowedHeaders": "x-trace"}],
    "alarms": [{}, {"AlarmTarget": "ops@example.org"}, {"AlarmTarget": f"arn:aws:sns:us-east-1:{ACCOUNT}:ops"}],
    "dashboard": [{}, {"Dashboard": "off"}],
    "architecture": [{}, {"Architecture": "x86_64"}],
}

# What must be refused, and a text of the reason.
REFUSED = {
    "a core in another region": (
        {"CoreFunction": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:core"},
        "core must be in the stack's own region and partition",
    ),
    "a core in another partition": (
        {"CoreFunction": f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:core"},
        "core must be in the stack's own region and partition",
    ),
    "an account without a core": ({"CoreAccountId": ACCOUNT}, "give CoreFunction too"),
    "a model beside a given core": (
        {"CoreFunction": "core", "BedrockModelId": "amazon.nova-lite-v1:0"},
        "BedrockModelId is for the sample core alone",
    ),
    "a key beside a payload without identity": (
        {"Payload": "bare", "IdentitySigningKey": "k" * 32},
        "no identity to sign",
    ),
    "a key that is too short": ({"IdentitySigningKey": "k" * 31}, "give 32 characters"),
    "a user pool without its client": ({"UserPoolId": "us-east-1_Example"}, "together, or neither"),
    "a client without its user pool": ({"UserPoolClientId": "client"}, "together, or neither"),
    "a user pool's name": ({"UserPoolId": "my users"}, "give a user pool's id"),
    "an ARN that is not a model's": (
        {"BedrockModelId": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc"},
        "give a model's or inference profile's id",
    ),
    "an alarm target that is neither topic nor address": ({"AlarmTarget": "ops"}, "SNS topic"),
    "a time-out without a row of its own": ({"StreamTimeoutSeconds": "45"}, "StreamTimeoutSeconds"),
    "a time-out of core in words": ({"CoreTimeoutMs": "3s"}, "give milliseconds"),
    "too little memory": ({"EdgeMemory": "64"}, "EdgeMemory"),
    "a log level that ends the metrics": ({"LogLevel": "WARN"}, "LogLevel"),
}
ACCEPTED = {
    f"model {model}": {"BedrockModelId": model}
    for model in (
        "anthropic.claude-3-haiku-20240307-v1:0",
        "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.amazon.nova-lite-v1:0",
        f"arn:aws:bedrock:us-east-1:{ACCOUNT}:provisioned-model/abcdefghij12",
        "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/amazon.nova-lite-v1:0",
        PROFILE,
    )
} | {
    f"key {key[:20]}": {"IdentitySigningKey": key}
    for key in ("k" * 64, "{{resolve:secretsmanager:key}}")
}

LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
BEDROCK = f"arn:aws:bedrock:us-east-1:{ACCOUNT}"
CHINA, GOVCLOUD = SWITCHES["region"][1:]
TRUST = "Resources/SignedInRole/Properties/AssumeRolePolicyDocument/Statement/0"
EDGE = "Resources/Edge/Properties"
MODEL = "Resources/ModelPolicy/Properties/PolicyDocument/Statement"
ACTIONS = "Resources/ThrottlesAlarm/Properties/AlarmActions"
# What a choice comes to: the choice, where, and the value.
VALUES = {
    "the identity pool's principal": ({"IdentityPool": "on"}, f"{TRUST}/Principal/Federated", "cognito-identity.amazonaws.com"),
    "the principal's condition": (
        {"IdentityPool": "on"},
        f"{TRUST}/Condition/StringEquals",
        {"cognito-identity.amazonaws.com:aud": "Identities"},
    ),
    "the principal in China": (CHINA | {"IdentityPool": "on"}, f"{TRUST}/Principal/Federated", "cognito-identity.cn-north-1.amazonaws.com.cn"),
    "its condition in China": (
        CHINA | {"IdentityPool": "on"},
        f"{TRUST}/Condition/StringEquals",
        {"cognito-identity.cn-north-1.amazonaws.com.cn:aud": "Identities"},
    ),
    "the principal in GovCloud": (GOVCLOUD | {"IdentityPool": "on"}, f"{TRUST}/Principal/Federated", "cognito-identity-us-gov.amazonaws.com"),
    "its condition in GovCloud": (
        GOVCLOUD | {"IdentityPool": "on"},
        f"{TRUST}/Condition/StringEquals",
        {"cognito-identity-us-gov.amazonaws.com:aud": "Identities"},
    ),
    "a core by name": ({"CoreFunction": "core"}, f"{EDGE}/Environment/Variables/TARGET_LAMBDA_NAME", "core"),
    "a core of another account": (
        {"CoreFunction": "core", "CoreAccountId": "210987654321"},
        f"{EDGE}/Environment/Variables/TARGET_LAMBDA_NAME",
        "arn:aws:lambda:us-east-1:210987654321:function:core",
    ),
    "rights for a core by name": (
        {"CoreFunction": "core"},
        f"{EDGE}/Policies/0/Statement/0/Resource",
        [f"{LAMBDA}:core", f"{LAMBDA}:core:*"],
    ),
    "rights for a core of another account": (
        {"CoreFunction": "core", "CoreAccountId": "210987654321"},
        f"{EDGE}/Policies/0/Statement/0/Resource",
        ["arn:aws:lambda:us-east-1:210987654321:function:core", "arn:aws:lambda:us-east-1:210987654321:function:core:*"],
    ),
    "rights for a model by id": (
        {"BedrockModelId": "amazon.nova-lite-v1:0"},
        f"{MODEL}/0/Resource",
        ["arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", f"{BEDROCK}:inference-profile/amazon.nova-lite-v1:0"],
    ),
    "rights for the models of a profile by id": (
        {"BedrockModelId": "us.amazon.nova-lite-v1:0"},
        f"{MODEL}/1/Condition/StringEquals",
        {"bedrock:InferenceProfileArn": f"{BEDROCK}:inference-profile/us.amazon.nova-lite-v1:0"},
    ),
    "rights for a profile by ARN": ({"BedrockModelId": PROFILE}, f"{MODEL}/0/Resource", [PROFILE]),
    "rights for the models of a profile by ARN": (
        {"BedrockModelId": PROFILE},
        f"{MODEL}/1/Condition/StringEquals",
        {"bedrock:InferenceProfileArn": PROFILE},
    ),
    "no target of the alarms": ({}, ACTIONS, []),
    "a topic for the alarms": ({"AlarmTarget": f"arn:aws:sns:us-east-1:{ACCOUNT}:ops"}, ACTIONS, [f"arn:aws:sns:us-east-1:{ACCOUNT}:ops"]),
    "an address for the alarms": ({"AlarmTarget": "ops@example.org"}, ACTIONS, ["AlarmTopic"]),
    "sign-up for everybody": ({}, "Resources/UserPool/Properties/AdminCreateUserConfig/AllowAdminCreateUserOnly", False),
    "sign-up for administrators": ({"SelfSignUp": "off"}, "Resources/UserPool/Properties/AdminCreateUserConfig/AllowAdminCreateUserOnly", True),
    "time-outs of a stream": ({"StreamApi": "on", "StreamTimeoutSeconds": "900"}, "Resources/EdgeStream/Properties/Timeout", 899),
    "headers that browsers may send": (
        {"AllowedHeaders": "x-trace"},
        "Resources/Api/Properties/CorsConfiguration/AllowHeaders",
        ["content-type", "authorization", "x-trace"],
    ),
}
