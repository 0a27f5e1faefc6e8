"""Every combination of the template's switches gives a template that can be deployed, or is refused with its reason.

- References: for every reference from one resource to another there is no combination in which the target is not deployed.
  This is shown for all combinations: only the switches that the conditions on the way depend on are varied.
- Refusals: what AllowedPattern, AllowedValues and Rules refuse, and the reason that they give.
- Values: what single choices come to (principals, rights, targets).
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
from cases import ACCEPTED, REFUSED, SWITCHES, VALUES
from cfnlint.api import ManualArgs, lint
from resolver import Resolver, evaluated, guarded, references, values_of
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

logging.disable(logging.WARNING)
ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "target" / "template-combinations"


def check_values(template):
    for name, (choice, path, expected) in VALUES.items():
        resolver = Resolver(template, choice)
        value = resolver.deployed(template)
        for part in path.split("/"):
            value = value[int(part) if isinstance(value, list) else part]
        value = evaluated(resolver, value)
        if value != expected:
            yield f"{name}: {value}"


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

    failures += check_values(template)
    print(f"values: {len(VALUES)}")

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
