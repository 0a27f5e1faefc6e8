"""examples/terraform parses, names nothing that it does not declare, and says what the template says.

Terraform itself validates only with its provider, which is not in the package registries that CI uses: python-hcl2 parses the
file here, and where Terraform is installed `terraform fmt` checks its form.

Usage: terraform.py; needs python-hcl2.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import hcl2
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "examples" / "terraform" / "main.tf"


def plain(value):
    """What python-hcl2 gives, without the quotes of names and texts and without its own members."""
    if isinstance(value, dict):
        return {plain(name): plain(one) for name, one in value.items() if not name.startswith("__")}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value[1:-1] if isinstance(value, str) and value[:1] == '"' == value[-1:] else value


def main():
    text = FILE.read_text()
    parsed = plain(hcl2.loads(text))

    def declared(section):
        return {(kind, name): body for block in parsed[section] for kind, names in block.items() for name, body in names.items()}

    resources, data = declared("resource"), declared("data")
    variables = {name for block in parsed["variable"] for name in block}
    for kind, name in re.findall(r"(?<!data\.)\b(aws_\w+)\.(\w+)\.", text):
        assert (kind, name) in resources, f"{kind}.{name} is not declared"
    for kind, name in re.findall(r"\bdata\.(aws_\w+)\.(\w+)", text):
        assert (kind, name) in data, f"data.{kind}.{name} is not declared"
    for name in re.findall(r"\bvar\.(\w+)", text):
        assert name in variables, f"var.{name} is not declared"

    template = yaml_parse((ROOT / "template.yaml").read_text())
    own, defaults = template["Resources"], template["Globals"]["Function"]
    (edge,) = (body for (kind, _), body in resources.items() if kind == "aws_lambda_function")
    assert edge["timeout"] == own["Edge"]["Properties"]["Timeout"]
    assert edge["memory_size"] == template["Parameters"]["EdgeMemory"]["Default"]
    assert (edge["runtime"], edge["handler"]) == (defaults["Runtime"], defaults["Handler"])
    assert edge["logging_config"][0]["system_log_level"] == defaults["LoggingConfig"]["SystemLogLevel"]
    for variable in edge["environment"][0]["variables"]:
        assert variable in own["Edge"]["Properties"]["Environment"]["Variables"], f"the edge reads no {variable}"
    event = own["Edge"]["Properties"]["Events"]["Inference"]["Properties"]
    route = resources["aws_apigatewayv2_route", "inference"]
    assert (route["route_key"], route["authorization_type"]) == (f"{event['Method']} {event['Path']}", "JWT")
    integration = resources["aws_apigatewayv2_integration", "edge"]
    assert integration["payload_format_version"] == event["PayloadFormatVersion"]
    assert integration["timeout_milliseconds"] == event["TimeoutInMillis"]
    cors, ours = resources["aws_apigatewayv2_api", "edge"]["cors_configuration"][0], own["Api"]["Properties"]["CorsConfiguration"]
    assert (cors["expose_headers"], cors["max_age"]) == (ours["ExposeHeaders"], ours["MaxAge"])
    print(f"python-hcl2: {len(resources)} resources, every reference is declared")

    if shutil.which("terraform"):
        subprocess.run(["terraform", "fmt", "-check", "-diff", str(FILE)], check=True, stderr=subprocess.DEVNULL)
        print("terraform fmt: clean")
    print("******** NOT RUN: terraform validate (its provider is in no registry that CI uses) ********")
    return 0


if __name__ == "__main__":
    sys.exit(main())
