"""Documents with both verdicts; fragments of AWS's messages were observed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ACCOUNT, REGION = "111111111111", "us-east-1"
OTHER = "222222222222"


@dataclass(frozen=True, slots=True)
class Case:
    """One document; `server` and `aws` are parts of their rejections, or None.

    `observed` is false if AWS's behavior was not observed.
    """

    reason: str
    document: Any
    server: str | None = None
    aws: str | None = None
    observed: bool = True

    @property
    def text(self) -> str:
        """Return the document as JSON; a string stays as it is."""
        return self.document if isinstance(self.document, str) else json.dumps(self.document)


def changed(base: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return the object with other members; `...` removes one."""
    return {name: value for name, value in {**base, **members}.items() if value is not ...}


SELECTION = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
EXPIRE: dict[str, Any] = {"type": "expire"}
ARCHIVE = {"type": "transition", "targetStorageClass": "archive"}
COUNT = {"countType": "imageCountMoreThan", "countUnit": ..., "countNumber": 3}
PULLED = {"countType": "sinceImagePulled"}
ARCHIVED = {"countType": "sinceImageTransitioned", "storageClass": "archive"}
TAGGED = {"tagStatus": "tagged", "tagPatternList": ["v*"]}


def rule(priority: Any = 1, action: Any = EXPIRE, **selection: Any) -> dict[str, Any]:
    """Return a lifecycle rule."""
    return {"rulePriority": priority, "selection": changed(SELECTION, **selection), "action": action}


def rules(*rule_list: Any) -> dict[str, Any]:
    """Return a lifecycle policy."""
    return {"rules": list(rule_list)}


FEWER, UNMAPPED, ONE_OF_FOUR = "not allowed by the schema", "Could not map policyString", "matched 0 out of 4"
LIFECYCLES = [
    Case("one rule", rules(rule())),
    Case("a description", rules({**rule(), "description": "old ones"})),
    Case("50 rules", rules(*(rule(i + 1, **{**TAGGED, "tagPatternList": [f"v{i}*"]}) for i in range(50)))),
    Case("51 rules", rules(*(rule(i + 1, **TAGGED) for i in range(51))), "rules: must be a list of 1 to 50", "long"),
    Case("no rule", rules(), "rules: must be a list of 1 to 50 rules, got 0", "too short"),
    Case("no member rules", {}, "rules: must be a list", "required properties"),
    Case("rules in an object", {"rules": {"1": rule()}}, "rules: must be a list", "rules"),
    Case("another member beside rules", {**rules(rule()), "version": 1}, "unknown member 'version'", "allowed"),
    Case("not an object", [rule()], "must be a JSON object", UNMAPPED),
    Case("not JSON", "{", "not JSON", UNMAPPED),
    Case("deeply nested", '{"rules":' * 3000, "nested", UNMAPPED),
    Case("NaN", json.dumps(rules(rule(float("nan")))), "NaN", UNMAPPED),
    Case("a rule that is a text", rules("x"), "rules[0]: must be a JSON object", UNMAPPED),
    Case("an unknown member of a rule", rules({**rule(), "name": "x"}), "rules[0]: unknown member 'name'", FEWER),
    Case("an unknown member of a selection", rules(rule(age=1)), "rules[0].selection: unknown member 'age'", FEWER),
    Case("an unknown member of an action", rules(rule(action={**EXPIRE, "x": 1})), "rules[0].action: unknown", FEWER),
    Case("no action", rules(changed(rule(), action=...)), "rules[0].action: must be a JSON object, got none", "action"),
    Case("no selection", rules(changed(rule(), selection=...)), "rules[0].selection: must be", "selection"),
    Case("no priority", rules(changed(rule(), rulePriority=...)), "rules[0].rulePriority: must be", "rulePriority"),
    Case("null as a member of an action", rules(rule(action={**EXPIRE, "targetStorageClass": None})), "null", UNMAPPED),
    Case("null as a description", rules({**rule(), "description": None}), "description: must be a string", UNMAPPED),
    Case("null as a unit", rules(rule(**{**COUNT, "countUnit": None})), "countUnit", "constraint"),
    Case("null as a list of tags", rules(rule(tagPrefixList=None)), "tagPrefixList: must be a list", UNMAPPED),
    Case("priority 0", rules(rule(0)), "rulePriority: must be an integer from 1", "lower than the required minimum"),
    Case("a negative priority", rules(rule(-1)), "rulePriority: must be an integer", "lower than"),
    Case("a boolean as a priority", rules(rule(True)), "rulePriority: must be an integer", UNMAPPED),
    Case("a text as a priority", rules(rule("1")), "rulePriority: must be an integer", UNMAPPED),
    Case("a fraction as a number", rules(rule(countNumber=1.5)), "countNumber: must be an integer", UNMAPPED),
    Case("a huge number", rules(rule(countNumber=10**30)), "countNumber: must be an integer", UNMAPPED),
    Case("number 0", rules(rule(countNumber=0)), "countNumber: must be an integer from 1", "lower than"),
    Case("a boolean as a number", rules(rule(countNumber=True)), "countNumber: must be an integer", UNMAPPED),
    Case("one priority twice", rules(rule(), rule(1, **TAGGED)), "rules[1].rulePriority: must be unique", "Duplicate"),
    Case("priorities in any order", rules(rule(5), rule(2, **TAGGED))),
    Case("two rules for untagged images", rules(rule(1), rule(2, countNumber=9)), "rules[1].selection", "Untagged"),
    Case("one for untagged ones of each storage class", rules(rule(1), rule(2, **ARCHIVED))),
    Case(
        "any before another rule",
        rules(rule(1, **COUNT, tagStatus="any"), rule(2)),
        "rules[0].rulePriority: must be the highest of storage class standard",
        "must have the highest rulePriority",
    ),
    Case("any behind the others", rules(rule(1), rule(2, tagStatus="any"))),
    Case("any twice", rules(rule(1, tagStatus="any"), rule(2, tagStatus="any")), "only one rule may select any", "ANY"),
    Case(
        "any once in each storage class",
        rules(rule(1, ARCHIVE, **PULLED, tagStatus="any"), rule(2, **ARCHIVED, tagStatus="any")),
    ),
    Case("tagged with a pattern", rules(rule(**TAGGED))),
    Case("tagged with a prefix", rules(rule(tagStatus="tagged", tagPrefixList=["v"]))),
    Case("tagged with neither", rules(rule(tagStatus="tagged")), "tagStatus tagged, got neither", "Must specify"),
    Case(
        "tagged with an empty list", rules(rule(tagStatus="tagged", tagPatternList=[])), "got neither", "Must specify"
    ),
    Case("tagged with both", rules(rule(**TAGGED, tagPrefixList=["v"])), "tagged, got both", "only one of"),
    Case("untagged with a pattern", rules(rule(tagPatternList=["v*"])), "with tagStatus untagged", "Cannot specify"),
    Case(
        "any with a prefix", rules(rule(tagStatus="any", tagPrefixList=["v"])), "with tagStatus any", "Cannot specify"
    ),
    Case("untagged with an empty list", rules(rule(tagPatternList=[])), observed=False),
    Case("a list beside an empty one", rules(rule(**TAGGED, tagPrefixList=[])), observed=False),
    Case("a number as a tag", rules(rule(tagStatus="tagged", tagPatternList=[1])), "a list of strings", UNMAPPED),
    Case(
        "a number as a list of tags", rules(rule(tagStatus="tagged", tagPatternList=5)), "a list of strings", UNMAPPED
    ),
    Case("a text as a list of tags", rules(rule(tagStatus="tagged", tagPrefixList="v")), "a list of strings", UNMAPPED),
    Case("four wildcards", rules(rule(tagStatus="tagged", tagPatternList=["*a*b*c*"]))),
    Case("five wildcards", rules(rule(tagStatus="tagged", tagPatternList=["*a*b*c*d*"])), "at most 4 `*`", "exceed 4"),
    Case(
        "no such tag status", rules(rule(tagStatus="Tagged")), "tagStatus: must be tagged or untagged or any", UNMAPPED
    ),
    Case("no such count type", rules(rule(countType="x")), "countType: must be", UNMAPPED),
    Case("a count with a unit", rules(rule(countType="imageCountMoreThan")), "countUnit: must be absent", ONE_OF_FOUR),
    Case("a count", rules(rule(**COUNT))),
    Case("an age without a unit", rules(rule(countUnit=...)), "countUnit: must be days", ONE_OF_FOUR),
    Case("another unit", rules(rule(countUnit="hours")), "countUnit: must be days", ONE_OF_FOUR),
    Case("standard, said", rules(rule(storageClass="standard"))),
    Case("archive by push", rules(rule(storageClass="archive")), "storageClass: must be standard", ONE_OF_FOUR),
    Case("archived images", rules(rule(**ARCHIVED))),
    Case("archived ones in no class", rules(rule(countType="sinceImageTransitioned")), "must be archive", ONE_OF_FOUR),
    Case("no such storage class", rules(rule(storageClass="ARCHIVE")), "storageClass: must be standard or", UNMAPPED),
    Case("archive what nobody pulls", rules(rule(action=ARCHIVE, **PULLED))),
    Case("expire what nobody pulls", rules(rule(**PULLED)), "action.type: must be transition", "sinceImagePulled"),
    Case("archive what is old", rules(rule(action=ARCHIVE))),
    Case("transition to nowhere", rules(rule(action={"type": "transition"})), "targetStorageClass: must be", UNMAPPED),
    Case(
        "transition elsewhere",
        rules(rule(action={**ARCHIVE, "targetStorageClass": "glacier"})),
        "must be archive",
        UNMAPPED,
    ),
    Case("no such action", rules(rule(action={"type": "delete"})), "type: must be expire or transition", UNMAPPED),
    Case("archive what is archived", rules(rule(action=ARCHIVE, **ARCHIVED)), observed=False),
    Case("expire with a target", rules(rule(action={**ARCHIVE, "type": "expire"})), observed=False),
    Case("an empty pattern", rules(rule(tagStatus="tagged", tagPatternList=[""])), observed=False),
]

STATEMENT = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "ecr:BatchGetImage"}


def policy(*statements: Any, **members: Any) -> dict[str, Any]:
    """Return a policy document."""
    return changed({"Version": "2012-10-17", "Statement": list(statements)}, **members)


def policy_of(**members: Any) -> dict[str, Any]:
    """Return a policy of one statement."""
    return policy(changed(STATEMENT, **members))


def of(principal: Any) -> dict[str, Any]:
    """Return a policy with an AWS principal."""
    return policy_of(Principal={"AWS": principal})


def when(operator: str, *values: Any, key: str = "aws:PrincipalTag/x") -> dict[str, Any]:
    """Return a policy with a condition."""
    return policy_of(Condition={operator: {key: list(values)}})


IAM, STS = f"arn:aws:iam::{OTHER}", f"arn:aws:sts::{OTHER}"
MALFORMED = "policy provided"
_PRINCIPALS: list[tuple[str, Any, bool]] = [
    ("anybody", "*", True),
    ("an account", OTHER, True),
    ("the root of an account", f"{IAM}:root", True),
    ("a role", f"{IAM}:role/ci", True),
    ("a role with a path", f"{IAM}:role/team/a/ci", True),
    ("a service-linked role", f"{IAM}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", True),
    ("a user with every character", f"{IAM}:user/a_b+c=d,e.f@g-h", True),
    ("a session", f"{STS}:assumed-role/ci/run-1", True),
    ("a federated user", f"{STS}:federated-user/bob", True),
    ("a deleted role", "AROA1234567890EXAMPLE", True),
    ("a deleted user", "AIDA1234567890EXAMPLE", True),
    ("several", [OTHER, f"{IAM}:root"], True),
    ("all of an account", f"{IAM}:*", False),
    ("all users", f"{IAM}:user/*", False),
    ("some roles", f"{IAM}:role/ci-*", False),
    ("a question mark", f"{IAM}:role/c?", False),
    ("the root of all accounts", "arn:aws:iam::*:root", False),
    ("a short account", "arn:aws:iam::2222:root", False),
    ("no account", "arn:aws:iam:::root", False),
    ("a group", f"{IAM}:group/devs", False),
    ("a session under iam", f"{IAM}:assumed-role/ci/run", False),
    ("a role under sts", f"{STS}:role/ci", False),
    ("a session without a name", f"{STS}:assumed-role/ci", False),
    ("all sessions", f"{STS}:assumed-role/ci/*", False),
    ("a role without a name", f"{IAM}:role/", False),
    ("a path without a name", f"{IAM}:role/team/", False),
    ("a Region", f"arn:aws:iam:us-east-1:{OTHER}:root", False),
    ("another service", f"arn:aws:s3::{OTHER}:root", False),
    ("another partition", f"arn:aws-cn:iam::{OTHER}:root", False),
    ("eleven digits", "22222222222", False),
    ("thirteen digits", "2222222222222", False),
    ("Arabic digits", "٢" * 12, False),
    ("a name", "bob", False),
    ("the id of a group", "AGPA1234567890EXAMPLE", False),
    ("an access key", "AKIA1234567890EXAMPL", False),
    ("nothing", "", False),
    ("a space behind", f"{OTHER} ", False),
    ("a line break behind", f"{IAM}:root\n", False),
    ("a role name with a space", f"{IAM}:role/a b", False),
    ("a number", 222222222222, False),
    ("null", None, False),
    ("an empty list", [], False),
    ("one bad of several", [OTHER, f"{IAM}:*"], False),
]
_CONDITIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("an operator", when("StringEquals", "a", "b"), True),
    ("a negation that ignores case", when("StringNotEqualsIgnoreCase", "a"), True),
    ("if it exists", when("StringLikeIfExists", "a*"), True),
    ("a set of keys", when("ForAnyValue:StringLike", "o-1/*"), True),
    ("a set of keys, if it exists", when("ForAllValues:StringEqualsIfExists", "a"), True),
    ("the root of a word", when("StringEqual", "a"), False),
    ("a lower-case operator", when("stringEquals", "a"), False),
    ("no such test", when("BoolLike", "a"), False),
    ("a test of another family", when("ArnGreaterThan", "1"), False),
    ("a test that ignores case and is no such", when("StringLikeIgnoreCase", "a"), False),
    ("no such set", when("ForSomeValues:StringEquals", "a"), False),
    ("two sets", when("ForAllValues:ForAnyValue:StringEquals", "a"), False),
    ("the suffix twice", when("StringEqualsIfExistsIfExists", "a"), False),
    ("the suffix alone", when("IfExists", "a"), False),
    ("no operator", when("", "a"), False),
    ("null", when("Null", "true"), True),
    ("null in a set", when("ForAllValues:Null", "true"), True),
    ("null if it exists", when("NullIfExists", "true"), False),
    ("a boolean", when("Bool", True), True),
    ("a text that is none", when("Bool", "perhaps"), True),
    ("a network", when("IpAddress", "203.0.113.0/24", "0.0.0.0/0", "203.0.113.5"), True),
    ("a network of version 6", when("NotIpAddress", "2001:db8::/32", "::/0", "2001:db8::1"), True),
    ("a network and a host in it", when("IpAddress", "203.0.113.7/24"), True),
    ("no such octet", when("IpAddress", "203.0.113.999/24"), False),
    ("a host name", when("IpAddress", "example.com"), False),
    ("three octets", when("IpAddress", "1.2.3"), False),
    ("too long a mask", when("IpAddress", "10.0.0.0/33"), False),
    ("too long a mask of version 6", when("IpAddressIfExists", "2001:db8::/129"), False),
    ("a mask in octets", when("IpAddress", "10.0.0.0/255.0.0.0"), False),
    ("a mask that is missing", when("IpAddress", "10.0.0.0/"), False),
    ("a negative mask", when("IpAddress", "10.0.0.0/-1"), False),
    ("a zone", when("IpAddress", "fe80::1%eth0"), False),
    ("a space behind an address", when("IpAddress", "10.0.0.0/8 "), False),
    ("an empty address", when("IpAddress", ""), False),
    ("one bad address of several", when("IpAddress", "10.0.0.0/8", "10"), False),
    ("numbers", when("NumericLessThan", "10", 10, "10.5", "-1", "1e3"), True),
    ("no number", when("NumericLessThan", "abc"), False),
    ("a space before a number", when("NumericEquals", " 10"), False),
    ("a hexadecimal number", when("NumericEquals", "0x10"), False),
    ("not a number", when("NumericEquals", "nan"), False),
    ("dates", when("DateGreaterThan", "2026", "2026-01", "2026-01-31", "2026-01-31T00:00Z", 1767225600), True),
    ("a date with a zone", when("DateLessThanIfExists", "2026-01-31T00:00:00.000Z", "2026-01-31T00:00:00+09:00"), True),
    ("a word", when("DateGreaterThan", "tomorrow"), False),
    ("slashes", when("DateEquals", "2026/01/01"), False),
    ("month 13", when("DateEquals", "2026-13-45"), False),
    ("ARNs", when("ArnLike", "arn:*:s3:::b", "arn:aws:*:*:*:*", "*"), True),
    ("no ARN", when("ArnLike", "nope"), False),
    ("an ARN of four parts", when("ArnNotEquals", "arn:aws:s3:b"), False),
    ("a variable for an ARN", when("ArnEquals", "${aws:PrincipalArn}"), False),
    ("base64", when("BinaryEquals", "YWJj", "YWJjZA=="), True),
    ("no base64", when("BinaryEquals", "!!!"), False),
    ("base64 of three characters", when("BinaryEquals", "abc"), False),
    ("too much padding", when("BinaryEquals", "YWJj=="), False),
    ("no value", when("StringEquals"), False),
    ("no value of null", when("Null"), False),
    ("a value that is an object", when("StringEquals", {"a": "b"}), False),
    ("a value that is null", when("StringEquals", None), False),
    ("no keys", policy_of(Condition={"StringEquals": {}}), False),
    ("keys in a list", policy_of(Condition={"StringEquals": ["a"]}), False),
    ("a condition in a list", policy_of(Condition=[]), False),
    ("an empty condition", policy_of(Condition={}), True),
]
_FORMS: list[tuple[str, Any, bool]] = [
    ("one statement without a list", policy(Statement=STATEMENT), True),
    ("no version", policy_of() | {"Version": "2008-10-17"}, True),
    ("an Id", policy(STATEMENT, Id="x"), True),
    ("an unknown version", policy(STATEMENT, Version="2020-01-01"), False),
    ("no statement", policy(), False),
    ("no member Statement", policy(Statement=...), False),
    ("a statement that is a text", policy("x"), False),
    ("an unknown member of the policy", policy(STATEMENT, Foo=1), False),
    ("an unknown member of a statement", policy_of(Foo=1), False),
    ("no effect", policy_of(Effect=...), False),
    ("an effect in lower case", policy_of(Effect="allow"), False),
    ("no principal", policy_of(Principal=...), False),
    ("both kinds of principal", policy_of(NotPrincipal="*"), False),
    ("no action", policy_of(Action=...), False),
    ("both kinds of action", policy_of(NotAction="ecr:*"), False),
    ("an empty list of actions", policy_of(Action=[]), False),
    ("an action of another service", policy_of(Action="s3:GetObject"), False),
    ("an action without a service", policy_of(Action="BatchGetImage"), False),
    ("a wildcard for the service", policy_of(Action="*:BatchGetImage"), False),
    ("no name of an action", policy_of(Action="ecr:"), False),
    ("an action in another case", policy_of(Action="ECR:batchgetimage"), True),
    ("all actions", policy_of(Action=["ecr:*", "*"]), True),
    ("an action that is no operation", policy_of(Action=["ecr:GetImageCopyStatus", "ecr:ReplicateImage"]), True),
    ("all but some", policy_of(Action=..., NotAction="ecr:Delete*"), True),
    ("all but one account", policy_of(Principal=..., NotPrincipal={"AWS": OTHER}, Effect="Deny"), True),
    ("a service", policy_of(Principal={"Service": "x.amazonaws.com"}), True),
    ("several kinds", policy_of(Principal={"AWS": "*", "Federated": "x"}), True),
    ("a kind in another case", policy_of(Principal={"Aws": "*"}), False),
    ("a principal that is a text", policy_of(Principal=OTHER), False),
    ("a principal that is empty", policy_of(Principal={}), False),
    ("an empty service", policy_of(Principal={"Service": ""}), False),
    ("a Sid with a space", policy_of(Sid="new statement"), True),
    ("a Sid twice", policy({**STATEMENT, "Sid": "a"}, {**STATEMENT, "Sid": "a", "Effect": "Deny"}), False),
    ("a Sid that is a number", policy_of(Sid=1), False),
    ("not an object", [STATEMENT], False),
    ("deeply nested", "[" * 5000, False),
]


def _cases(rows: list[tuple[str, Any, bool]]) -> list[Case]:
    return [Case(reason, doc, None if good else "", None if good else MALFORMED) for reason, doc, good in rows]


IN_BOTH_POLICIES = [
    *_cases([(why, of(principal), good) for why, principal, good in _PRINCIPALS]),
    *_cases([(f"condition: {why}", doc, good) for why, doc, good in _CONDITIONS]),
    *_cases(_FORMS),
]
REPOSITORY_ONLY = [
    Case("a resource", policy_of(Resource="*"), "no member `Resource`", MALFORMED),
    Case("all but a resource", policy_of(NotResource="*"), "no member `NotResource`", MALFORMED),
    Case("a token", policy_of(Action="ecr:GetAuthorizationToken"), "token is valid for the whole registry", MALFORMED),
    Case("a token in a list", policy_of(Action=["ecr:*", "ECR:getauthorizationtoken"]), "token", MALFORMED),
    Case("a pattern that has the token in it", policy_of(Action="ecr:Get*")),
    Case("an unknown action", policy_of(Action="ecr:PullImage"), "an action of ECR, got 'ecr:PullImage'", MALFORMED),
    Case("a pattern of no action", policy_of(Action="ecr:Pull*"), "an action of ECR", MALFORMED),
    Case("an unknown action in NotAction", policy_of(Action=..., NotAction="ecr:Pull"), "of ECR", MALFORMED),
    Case("a pattern with a question mark", policy_of(Action="ecr:BatchGet?mage")),
]
HERE = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository"
REGISTRY_ONLY = [
    Case("repositories", policy_of(Resource=[f"{HERE}/*", f"{HERE}/team/*"])),
    Case("no resource", policy_of()),
    Case(
        "both kinds of resource",
        policy_of(Resource="*", NotResource="*"),
        "must not be combined with Resource",
        MALFORMED,
    ),
    Case("an empty list of resources", policy_of(Resource=[]), "empty list", MALFORMED),
    Case("a resource that is no ARN", policy_of(Resource="repository/*"), "must be `*`", MALFORMED),
    Case("an unknown action", policy_of(Action="ecr:PullImage")),
    Case("a token", policy_of(Action="ecr:GetAuthorizationToken")),
]
DISAGREEMENTS = [
    Case(
        "AWS stores a wrong Region, and nothing works",
        policy_of(Resource=HERE.replace("east", "west") + "/*"),
        "region",
    ),
    Case("a member twice has two meanings; AWS takes one", '{"Statement":[],' + json.dumps(policy_of())[1:], "repeats"),
    Case("a Sid that would be the key of another statement", policy_of(Sid="sha256:0"), "sha256:"),
    Case("a NUL, which no database keeps", when("StringEquals", "\0"), "NUL"),
]

SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pull"
OPEN = ("public.ecr.aws", "registry.k8s.io", "quay.io")
CLOSED = ("registry-1.docker.io", "ghcr.io", "registry.gitlab.com", "cgr.dev", "my-reg.azurecr.io")
NEEDED, NOT_NEEDED, MISMATCH = "requires authentication", "doesn't require authentication", "type do not match"


def cached(url: str, **members: Any) -> dict[str, Any]:
    """Return a cache rule."""
    return {"ecrRepositoryPrefix": "up", "upstreamRegistryUrl": url, **members}


def registry(account: str, region: str = REGION) -> str:
    """Return the host of an ECR registry."""
    return f"{account}.dkr.ecr.{region}.amazonaws.com"


CACHE_RULES = [
    *(Case(f"{url} is open", cached(url)) for url in OPEN),
    *(Case(f"{url} with a secret", cached(url, credentialArn=SECRET), "credential_arn", NOT_NEEDED) for url in OPEN),
    *(Case(f"{url} with a role", cached(url, customRoleArn=ROLE), "custom_role_arn", MISMATCH) for url in OPEN),
    *(Case(f"{url} with a secret", cached(url, credentialArn=SECRET)) for url in CLOSED),
    *(Case(f"{url} without a secret", cached(url), "credential_arn", NEEDED) for url in CLOSED),
    *(
        Case(f"{url} with both", cached(url, credentialArn=SECRET, customRoleArn=ROLE), "custom_role_arn", MISMATCH)
        for url in CLOSED
    ),
    Case("a role where a secret is needed", cached("ghcr.io", customRoleArn=ROLE), "credential_arn", NEEDED),
    Case("ECR of another account with a role", cached(registry(OTHER), customRoleArn=ROLE)),
    Case("ECR of another account without one", cached(registry(OTHER)), "custom_role_arn", NEEDED),
    Case("ECR of another account with a secret", cached(registry(OTHER), credentialArn=SECRET), "credential_arn", NEEDED),
    Case("both credentials for ECR", cached(registry(OTHER), credentialArn=SECRET, customRoleArn=ROLE), "credential_arn", MISMATCH),
    Case("ECR of the account in another Region", cached(registry(ACCOUNT, "eu-west-1"))),
    Case("the same with a role", cached(registry(ACCOUNT, "eu-west-1"), customRoleArn=ROLE)),
    Case("the registry itself", cached(registry(ACCOUNT)), "upstream_registry_url", "same as the cache registry"),
    Case("the registry itself with a role", cached(registry(ACCOUNT), customRoleArn=ROLE), "upstream_registry_url", "same as"),
    Case("upper case", cached("Quay.io"), "upstream_registry_url", "is invalid"),
    Case("a scheme", cached("https://quay.io"), "upstream_registry_url", "is invalid"),
    Case("a path", cached("quay.io/team"), "upstream_registry_url", "is invalid"),
    Case("Docker Hub by its other name", cached("docker.io"), "upstream_registry_url", "is invalid"),
    Case("Google", cached("us-docker.pkg.dev"), "upstream_registry_url", "is invalid"),
    Case("Microsoft", cached("mcr.microsoft.com"), "upstream_registry_url", "is invalid"),
    Case("Azure without a name", cached(".azurecr.io"), "upstream_registry_url", "is invalid"),
    Case("a suffix of one", cached("ghcr.io.example.com"), "upstream_registry_url", "is invalid"),
    Case("nothing", cached(""), "upstream_registry_url", "is invalid"),
    Case("the upstream by name", cached("ghcr.io", credentialArn=SECRET, upstreamRegistry="github-container-registry")),
    Case(
        "another name where ECR logs in",
        cached("ghcr.io", credentialArn=SECRET, upstreamRegistry="docker-hub"),
        "upstream_registry", "entered upstream registry do not match",
    ),
    Case("another name where it does not: ignored", cached("quay.io", upstreamRegistry="k8s")),
    Case(
        "a secret of another Region", cached("ghcr.io", credentialArn=SECRET.replace("us-east-1", "us-west-2")),
        "credential_arn", "not found",
    ),
    Case(
        "a secret of another account", cached("ghcr.io", credentialArn=SECRET.replace(ACCOUNT, OTHER)),
        "credential_arn", "unable to be accessed",
    ),
    Case(
        "a role of another account", cached(registry(OTHER), customRoleArn=ROLE.replace(ACCOUNT, OTHER)),
        "custom_role_arn", "role of the account",
    ),
]  # fmt: skip
