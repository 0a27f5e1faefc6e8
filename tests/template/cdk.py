"""What examples/cdk deploys is what the template deploys of the same resources.

Usage: cdk.py ZIP; needs Node, `npm --prefix examples/cdk ci` and cfn-lint. Runs `cdk synth`, checks the result with cfn-lint,
and compares it with the template where both say the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = {"userPoolId": "us-east-1_Example", "userPoolClientId": "client", "coreFunction": "core", "origin": "https://app.example.com"}


def one(resources, kind):
    found = [resource["Properties"] for resource in resources.values() if resource["Type"] == kind]
    assert len(found) == 1, f"{kind}: {len(found)}"
    return found[0]


def main():
    folder = ROOT / "examples" / "cdk"
    context = CONTEXT | {"zip": str(Path(sys.argv[1]).resolve())}
    options = [word for name, value in context.items() for word in ("-c", f"{name}={value}")]
    environment = os.environ | {"CDK_DISABLE_CLI_TELEMETRY": "true"}
    subprocess.run(["npx", "--no-install", "cdk", "synth", "--quiet", *options], check=True, cwd=folder, env=environment)
    # W3005: CDK writes a dependency that a reference makes anyway.
    result = folder / "cdk.out" / "InferenceEdge.template.json"
    subprocess.run(["cfn-lint", "--ignore-checks", "W3005", "--template", str(result)], check=True)

    resources = json.loads(result.read_text())["Resources"]
    template = yaml_parse((ROOT / "template.yaml").read_text())
    own, defaults = template["Resources"], template["Globals"]["Function"]
    edge = one(resources, "AWS::Lambda::Function")
    assert edge["Timeout"] == own["Edge"]["Properties"]["Timeout"]
    assert edge["MemorySize"] == template["Parameters"]["EdgeMemory"]["Default"]
    assert (edge["Runtime"], edge["Handler"]) == (defaults["Runtime"], defaults["Handler"])
    assert edge["LoggingConfig"]["SystemLogLevel"] == defaults["LoggingConfig"]["SystemLogLevel"]
    declared = own["Edge"]["Properties"]["Environment"]["Variables"]
    for variable in edge["Environment"]["Variables"]:
        assert variable in declared, f"the edge reads no {variable}"

    authorizer = one(resources, "AWS::ApiGatewayV2::Authorizer")
    assert (authorizer["AuthorizerType"], authorizer["JwtConfiguration"]["Audience"]) == ("JWT", ["client"])
    assert "us-east-1_Example" in json.dumps(authorizer["JwtConfiguration"]["Issuer"])
    event = own["Edge"]["Properties"]["Events"]["Inference"]["Properties"]
    route = one(resources, "AWS::ApiGatewayV2::Route")
    assert (route["RouteKey"], route["AuthorizationType"]) == (f"{event['Method']} {event['Path']}", "JWT")
    assert one(resources, "AWS::ApiGatewayV2::Integration")["PayloadFormatVersion"] == event["PayloadFormatVersion"]
    cors, ours = one(resources, "AWS::ApiGatewayV2::Api")["CorsConfiguration"], own["Api"]["Properties"]["CorsConfiguration"]
    for name in ("AllowMethods", "ExposeHeaders", "MaxAge"):
        assert cors[name] == ours[name], f"{name}: {cors[name]}"
    assert one(resources, "AWS::Lambda::Permission")["Principal"] == "apigateway.amazonaws.com"
    (statement,) = one(resources, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    texts = [json.dumps(resource) for resource in statement["Resource"]]
    assert [text.count(":function:core") for text in texts] == [1, 1] and ":core:*" in texts[1], texts
    retries = one(resources, "AWS::Lambda::EventInvokeConfig")["MaximumRetryAttempts"]
    assert retries == own["Edge"]["Properties"]["EventInvokeConfig"]["MaximumRetryAttempts"]
    print("cdk synth: as the template")
    return 0


if __name__ == "__main__":
    sys.exit(main())
