"""Resolves a template's conditions and functions as CloudFormation does, for given values of its parameters; nothing is deployed."""

import re

from cases import ACCOUNT, SWITCHES


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
                return all(self.holds(one) for one in argument)
            case "Fn::Or":
                return any(self.holds(one) for one in argument)
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


def evaluated(resolver, value):
    """A resolved value as CloudFormation would give it; a resource stands for itself by its name."""
    if isinstance(value, list):
        return [evaluated(resolver, one) for one in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return resolver.values.get(name, name)
        case {"Fn::GetAtt": target}:
            return ".".join(target) if isinstance(target, list) else target
        case {"Fn::Split": [separator, text]}:
            return evaluated(resolver, text).split(separator)
        case {"Fn::Sub": [text, own]}:
            own = {name: evaluated(resolver, one) for name, one in own.items()}
            return re.sub(r"\$\{([^}]+)}", lambda found: own.get(found[1]) or resolver.values.get(found[1], found[1]), text)
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{([^}]+)}", lambda found: resolver.values.get(found[1], found[1]), text)
    return {name: evaluated(resolver, one) for name, one in value.items()}


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
