"""Every combination of the template's switches gives a template that can be deployed, or is refused with its reason.

- References: for every reference from one resource to another there is no combination in which the target is not deployed.
  This is shown for all combinations: only the switches that the conditions on the way depend on are varied.
- Refusals: what AllowedPattern, AllowedValues and Rules refuse, and the reason that they give.
- Results: for a sample that holds every pair of values of two switches (with --triples every triple) the SAM translator makes
  the template, conditions are resolved, and cfn-lint checks each distinct result. Lambda's environment must hold texts only,
  and the dashboard's body and the frontend's configuration must be JSON.

Usage: combinations.py [--triples] [TEMPLATE]; needs aws-sam-cli and cfn-lint. Pairs take about a minute, triples several.
"""

import hashlib
import itertools
import json
import logging
import math
import os
import re
import sys
import time
from multiprocessing import Pool
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
os.environ.setdefault("SAM_CLI_TELEMETRY", "0")
from cfnlint.api import ManualArgs, lint  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

logging.disable(logging.WARNING)
ROOT = Path(__file__).resolve().parents[2]
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
}


def values_of(template, choice):
    """The parameters' values, and those of the pseudo-parameters, as texts and lists of texts."""
    values = {"AWS::AccountId": ACCOUNT, "AWS::StackName": "inference-edge", "AWS::NoValue": None} | SWITCHES["region"][0]
    for name, parameter in template["Parameters"].items():
        value = choice.get(name, parameter["Default"])
        values[name] = value.split(",") if parameter["Type"] == "CommaDelimitedList" else str(value)
    values |= {name: value for name, value in choice.items() if name.startswith("AWS::")}
    return values


class Resolver:
    """Resolves conditions and functions, as CloudFormation does, for given values of the parameters."""

    def __init__(self, template, choice):
        self.template, self.values, self.known = template, values_of(template, choice), {}

    def condition(self, name):
        if name not in self.known:
            self.known[name] = self.holds(self.template["Conditions"][name])
        return self.known[name]

    def holds(self, expression):
        if isinstance(expression, str):
            return self.condition(expression)
        ((function, argument),) = expression.items()
        match function:
            case "Condition":
                return self.condition(argument)
            case "Fn::Equals":
                return self.plain(argument[0]) == self.plain(argument[1])
            case "Fn::Not":
                return not self.holds(argument[0])
            case "Fn::And":
                return all([self.holds(one) for one in argument])
            case "Fn::Or":
                return any([self.holds(one) for one in argument])
        raise AssertionError(f"no condition: {expression}")

    def plain(self, expression):
        """A value that stands before any resource is there."""
        if not isinstance(expression, dict):
            return expression
        ((function, argument),) = expression.items()
        match function:
            case "Ref":
                return self.values[argument]
            case "Fn::Sub":
                return re.sub(r"\$\{([^}]+)}", lambda found: self.values[found[1]], argument)
            case "Fn::Split":
                return self.plain(argument[1]).split(argument[0])
            case "Fn::Select":
                return self.plain(argument[1])[int(argument[0])]
        raise AssertionError(f"not known in a condition: {expression}")

    def refusals(self):
        """Why CloudFormation would not take the values."""
        found = []
        for name, parameter in self.template["Parameters"].items():
            values = self.values[name] if isinstance(self.values[name], list) else [self.values[name]]
            reason = f"{name}: {parameter.get('ConstraintDescription', parameter['Description'])}"
            for value in values:
                allowed = [str(one) for one in parameter.get("AllowedValues", [value])]
                too_small = "MinValue" in parameter and float(value) < parameter["MinValue"]
                too_large = "MaxValue" in parameter and float(value) > parameter["MaxValue"]
                matches = re.fullmatch(parameter.get("AllowedPattern", ".*"), value)
                if value not in allowed or too_small or too_large or not matches:
                    found.append(reason)
        for rule in self.template["Rules"].values():
            if "RuleCondition" not in rule or self.holds(rule["RuleCondition"]):
                found += [one["AssertDescription"] for one in rule["Assertions"] if not self.holds(one["Assert"])]
        return found

    def resolve(self, value):
        """The value without any Fn::If and Fn::FindInMap; AWS::NoValue removes what it stands for."""
        if isinstance(value, list):
            return [one for one in map(self.resolve, value) if one != {"Ref": "AWS::NoValue"}]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            name, yes, no = value["Fn::If"]
            return self.resolve(yes if self.condition(name) else no)
        if set(value) == {"Fn::FindInMap"}:
            table, row, column = (self.plain(one) for one in value["Fn::FindInMap"])
            return self.template["Mappings"][table][row][column]
        resolved = {name: self.resolve(one) for name, one in value.items()}
        return {name: one for name, one in resolved.items() if one != {"Ref": "AWS::NoValue"}}

    def deployed(self, template):
        """The resources and outputs that are deployed."""

        def of(section):
            kept = {name: one for name, one in template[section].items() if self.holds_for(one)}
            return {name: self.resolve({key: v for key, v in one.items() if key != "Condition"}) for name, one in kept.items()}

        # cfn-lint tries a parameter's default, and every value that is allowed: here that is the one that was chosen.
        chosen = {
            name: {"Type": one["Type"], "Default": ",".join(value) if isinstance(value := self.values[name], list) else value}
            for name, one in template["Parameters"].items()
        }
        return {"AWSTemplateFormatVersion": "2010-09-09", "Parameters": chosen, "Resources": of("Resources"), "Outputs": of("Outputs")}

    def holds_for(self, item):
        return "Condition" not in item or self.condition(item["Condition"])


def references(value):
    """Names that a value without conditions refers to."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, dict):
        for function, argument in value.items():
            if function == "Ref":
                yield argument
            elif function == "Fn::GetAtt":
                yield argument.split(".")[0] if isinstance(argument, str) else argument[0]
            elif function == "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else argument
                for name in re.findall(r"\$\{([^!}]+)}", text):
                    if name not in own:
                        yield name.split(".")[0]
                yield from references(own)
            elif function == "DependsOn":
                yield from [argument] if isinstance(argument, str) else argument
            else:
                yield from references(argument)


def guarded(value, guard=()):
    """Every reference with the conditions on the way to it: (name, ((condition, holds), …))."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        name, yes, no = value["Fn::If"]
        yield from guarded(yes, guard + ((name, True),))
        yield from guarded(no, guard + ((name, False),))
    elif isinstance(value, dict) and set(value) & {"Ref", "Fn::GetAtt"}:
        yield from ((name, guard) for name in references(value))
    elif isinstance(value, dict) and "Fn::Sub" in value:
        argument = value["Fn::Sub"]
        text, own = (argument, {}) if isinstance(argument, str) else argument
        yield from ((name, guard) for name in references({"Fn::Sub": [text, {key: "" for key in own}]}))
        yield from guarded(own, guard)
    elif isinstance(value, dict):
        for one in value.values():
            yield from guarded(one, guard)
    elif isinstance(value, list):
        for one in value:
            yield from guarded(one, guard)


def parameters_of(template, conditions):
    """The parameters that conditions depend on."""
    found, left = set(), list(conditions)
    while left:
        text = json.dumps(template["Conditions"][left.pop()])
        found |= set(re.findall(r'"Ref": "([^"]+)"', text)) | set(re.findall(r"\$\{([^}]+)}", text))
        left += re.findall(r'"Condition": "([^"]+)"', text)
    return found


def choices(names):
    """Every combination of the named switches."""
    for parts in itertools.product(*(SWITCHES[name] for name in names)):
        yield {name: value for part in parts for name, value in part.items()}


def check_references(template):
    """References that lead nowhere in some combination."""
    problems, checked, cache = [], 0, {}
    for section in ("Resources", "Outputs"):
        for name, item in template[section].items():
            own = ((item["Condition"], True),) if "Condition" in item else ()
            for target, guard in guarded({key: v for key, v in item.items() if key != "Condition"}, own):
                if target.startswith("AWS::") or target in template["Parameters"]:
                    continue
                checked += 1
                if target not in template["Resources"]:
                    problems.append(f"{name} names {target}, which is not there")
                    continue
                needs = template["Resources"][target].get("Condition")
                if needs is None:
                    continue
                key = (tuple(sorted(guard)), needs)
                if key not in cache:
                    cache[key] = counterexample(template, *key)
                if cache[key] is not None:
                    problems.append(f"{name} names {target}, which is not deployed with {cache[key]}")
    assert checked > 100, f"only {checked} references were found"
    return problems, checked


def counterexample(template, guard, needs):
    involved = parameters_of(template, [name for name, _ in guard] + [needs])
    names = [name for name, values in SWITCHES.items() if involved & {key for value in values for key in value}]
    for choice in choices(names):
        resolver = Resolver(template, choice)
        if all(resolver.condition(name) == holds for name, holds in guard) and not resolver.condition(needs):
            return choice or "the defaults"
    return None


def covering(strength):
    """A sample in which every combination of `strength` values of different switches occurs."""
    names = list(SWITCHES)
    wanted = set()
    for group in itertools.combinations(range(len(names)), strength):
        for picks in itertools.product(*(range(len(SWITCHES[names[at]])) for at in group)):
            wanted.add(tuple(zip(group, picks)))
    rows = []
    while wanted:
        row = dict(min(wanted))
        for at in range(len(names)):
            if at in row:
                continue

            def gain(pick):
                trial = set((row | {at: pick}).items())
                return sum(1 for tuple_ in wanted if (at, pick) in tuple_ and set(tuple_) <= trial)

            row[at] = max(range(len(SWITCHES[names[at]])), key=gain)
        whole = set(row.items())
        wanted = {tuple_ for tuple_ in wanted if not set(tuple_) <= whole}
        rows.append({key: v for at, pick in row.items() for key, v in SWITCHES[names[at]][pick].items()})
    return rows


class NoPolicies:
    """The translator asks for managed policies by name; the template names none of its policies so."""

    def load(self):
        return {}


def translate(template, choice):
    values = values_of(template, choice)
    given = {name: ",".join(v) if isinstance(v, list) else v for name, v in values.items() if v is not None and name in template["Parameters"]}
    source = json.loads(json.dumps(template))
    for resource in source["Resources"].values():
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    os.environ["AWS_DEFAULT_REGION"] = values["AWS::Region"]
    return transform(source, given, NoPolicies())


def check_result(arguments):
    """Problems of what one combination deploys, with the digest of it."""
    template, choice = arguments
    resolver = Resolver(template, choice)
    result = resolver.deployed(translate(template, choice))
    problems = []
    there = set(result["Resources"]) | set(result["Parameters"])
    for section in ("Resources", "Outputs"):
        for name, item in result[section].items():
            problems += [f"{name} names {one}" for one in references(item) if not one.startswith("AWS::") and one not in there]
    for name, resource in result["Resources"].items():
        if resource["Type"] == "AWS::Lambda::Function":
            for variable, value in resource["Properties"].get("Environment", {}).get("Variables", {}).items():
                if not isinstance(value, str | dict):
                    problems.append(f"{name}: {variable} is {value!r}, and not a text")
    bodies = [one["Properties"]["DashboardBody"] for one in result["Resources"].values() if one["Type"] == "AWS::CloudWatch::Dashboard"]
    for body in [*bodies, result["Outputs"]["FrontendConfiguration"]["Value"]]:
        try:
            json.loads(substitute(body))
        except ValueError as error:
            problems.append(f"{error}: {substitute(body)}")
    if problems:
        return "", problems
    region = resolver.values["AWS::Region"]
    text = json.dumps(result, sort_keys=True)
    digest = hashlib.sha256((region + text).encode()).hexdigest()
    done = CACHE / digest
    if not done.exists():
        # W2001: parameters without a use have lost it with the conditions. W1020: the translator has put in what a Fn::Sub named.
        # Types that a region lacks: see docs/deploy.md.
        matches = lint(text, config=ManualArgs(regions=["us-east-1"], ignore_checks=["W2001", "W1020"]))
        problems += [f"{one.rule.id} {one.message} at {'/'.join(map(str, one.path))}" for one in matches]
        if not problems:
            done.touch()
    return digest, problems


def substitute(value):
    """A Fn::Sub with something in place of each name."""
    if isinstance(value, str):
        return value
    argument = value["Fn::Sub"]
    text, own = (argument, {}) if isinstance(argument, str) else argument
    names = {name: substitute(one) if isinstance(one, str) or "Fn::Sub" in one else "name" for name, one in own.items()}
    return re.sub(r"\$\{([^}]+)}", lambda found: names.get(found[1], "name"), text)


CACHE = ROOT / "target" / "template-combinations"


def main():
    strength = 3 if "--triples" in sys.argv else 2
    paths = [one for one in sys.argv[1:] if not one.startswith("--")]
    path = Path(paths[0]) if paths else ROOT / "template.yaml"
    template = json.loads(json.dumps(yaml_parse(path.read_text())))
    CACHE.mkdir(parents=True, exist_ok=True)
    start, failures = time.monotonic(), []

    problems, checked = check_references(template)
    failures += problems
    count = math.prod(len(values) for values in SWITCHES.values())
    print(f"references: {checked} in {count} combinations ({time.monotonic() - start:.0f} s)")

    for name, (choice, reason) in REFUSED.items():
        refusals = Resolver(template, choice).refusals()
        if not any(reason in refusal for refusal in refusals):
            failures.append(f"{name} is not refused with {reason!r}: {refusals}")
    for name, choice in ACCEPTED.items():
        failures += [f"{name} is refused: {refusal}" for refusal in Resolver(template, choice).refusals()]
    for name, values in SWITCHES.items():
        for value in values:
            failures += [f"{name}: {value} is refused: {refusal}" for refusal in Resolver(template, value).refusals()]
    print(f"refusals: {len(REFUSED)} refused, {len(ACCEPTED)} accepted")

    sample = covering(strength)
    digests = set()
    with Pool() as pool:
        for choice, (digest, problems) in zip(sample, pool.imap(check_result, [(template, choice) for choice in sample])):
            digests.add(digest)
            failures += [f"{choice}: {problem}" for problem in problems]
    print(f"results: {len(sample)} combinations, {len(digests)} distinct results ({time.monotonic() - start:.0f} s)")
    for failure in failures:
        print("FAILED", failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
