"""Random shapes of every setting, as users declare and AWS returns them."""

from __future__ import annotations

import json
from typing import Any

from ecrkeeper_server.names import RegistryName
from hypothesis import strategies as st

REGISTRY = RegistryName("111111111111", "us-east-1")

_regions = st.sampled_from(["us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2"])
_accounts = st.sampled_from(["111111111111", "222222222222", "333333333333"])
_names = st.sampled_from(["app", "base", "dev-", "prod/", "team-a/", "team-b/", "zz"])
_prefixes = st.sampled_from(["ROOT", "a", "a/", "b", "b/c", "b/c/", "docker-hub", "quay"])


def optional(required: dict[str, Any], **members: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the required members and any of the others."""
    return st.fixed_dictionaries(required, optional=members)


def filters(kind: str, names: st.SearchStrategy[str] = _names) -> st.SearchStrategy[list[dict[str, str]]]:
    """Lists of repository filters."""
    return st.lists(names, max_size=4).map(lambda texts: [{"filter": t, "filterType": kind} for t in texts])


_destination = st.fixed_dictionaries({"region": _regions, "registryId": _accounts})
replication = st.fixed_dictionaries(
    {
        "rules": st.lists(
            optional(
                {"destinations": st.lists(_destination, min_size=1, max_size=3)},
                repositoryFilters=filters("PREFIX_MATCH"),
                deleteReplication=st.sampled_from([{}, {"enabled": False}, {"enabled": True}]),
            ),
            max_size=5,
        )
    }
)

_frequencies = st.sampled_from(["SCAN_ON_PUSH", "CONTINUOUS_SCAN", "MANUAL"])
scanning = optional(
    {
        "rules": st.lists(
            st.fixed_dictionaries({"scanFrequency": _frequencies, "repositoryFilters": filters("WILDCARD")}), max_size=2
        )
    },
    scanType=st.sampled_from(["BASIC", "ENHANCED"]),
)

_profiles = st.sampled_from([f"arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_{i}" for i in range(3)])
signing = st.fixed_dictionaries(
    {
        "rules": st.lists(
            optional({"signingProfileArn": _profiles}, repositoryFilters=filters("WILDCARD_MATCH")), max_size=5
        )
    }
)

_users = st.sampled_from([f"arn:aws:iam::111111111111:role/team/{n}" for n in "abcd"])
exclusions = st.fixed_dictionaries({"principalArns": st.lists(_users, unique=True)})

_values = {
    "BASIC_SCAN_TYPE_VERSION": ["AWS_NATIVE"],
    "BLOB_MOUNTING": ["ENABLED", "DISABLED"],
    "REGISTRY_POLICY_SCOPE": ["V1", "V2"],
}
_setting = st.one_of(
    *[st.fixed_dictionaries({"name": st.just(n), "value": st.sampled_from(v)}) for n, v in _values.items()]
)
account_settings = st.fixed_dictionaries({"settings": st.lists(_setting, unique_by=lambda s: s["name"])})

_roles = st.sampled_from(["", "arn:aws:iam::111111111111:role/a", "arn:aws:iam::111111111111:role/b"])
_upstreams = st.sampled_from(
    [
        ("public.ecr.aws", "ecr-public"),
        ("registry-1.docker.io", "docker-hub"),
        ("registry.k8s.io", "k8s"),
        ("cgr.dev", "chainguard"),
        ("222222222222.dkr.ecr.us-west-2.amazonaws.com", "ecr"),
        ("new.example.com", "new-registry"),
    ]
)
_secrets = st.sampled_from(
    [f"arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/{n}" for n in "ab"]
)


def _cache_rule(parts: tuple[dict[str, Any], tuple[str, str], bool]) -> dict[str, Any]:
    rule, (url, upstream), named = parts
    return {**rule, "upstreamRegistryUrl": url, **({"upstreamRegistry": upstream} if named else {})}


_cache_members = optional(
    {"ecrRepositoryPrefix": _prefixes}, credentialArn=_secrets, customRoleArn=_roles, upstreamRepositoryPrefix=_prefixes
)
_cache_rules = st.tuples(_cache_members, _upstreams, st.booleans()).map(_cache_rule)
cache_rules = st.fixed_dictionaries({"rules": st.lists(_cache_rules, max_size=5)})

_lifecycle_rules = st.lists(
    st.fixed_dictionaries(
        {
            "rulePriority": st.integers(1, 9),
            "selection": st.fixed_dictionaries(
                {"tagStatus": st.just("tagged"), "tagPrefixList": st.lists(_names, unique=True)}
            ),
            "action": st.just({"type": "expire"}),
        }
    ),
    max_size=3,
)
_tags = st.lists(
    optional({"Key": st.sampled_from("abc")}, Value=st.sampled_from(["", "v"])), unique_by=lambda t: t["Key"]
)
_template = optional(
    {
        "prefix": _prefixes,
        "appliedFor": st.lists(st.sampled_from(["REPLICATION", "PULL_THROUGH_CACHE", "CREATE_ON_PUSH"]), min_size=1),
    },
    description=st.sampled_from(["", "text"]),
    encryptionConfiguration=st.sampled_from(
        [{"encryptionType": "AES256"}, {"encryptionType": "AES256", "kmsKey": ""}, {"encryptionType": "KMS"}]
    ),
    resourceTags=_tags,
    imageTagMutability=st.sampled_from(["MUTABLE", "IMMUTABLE"]),
    lifecyclePolicy=_lifecycle_rules.map(lambda rules: json.dumps({"rules": rules})),
    customRoleArn=_roles,
)
templates = st.fixed_dictionaries({"templates": st.lists(_template, max_size=4)})

_actions = st.sampled_from(["ecr:ReplicateImage", "ecr:CreateRepository", "ecr:*", "ecr:Get*"])
_principals = st.sampled_from(
    ["*", "222222222222", "arn:aws:iam::222222222222:root", "arn:aws:iam::333333333333:role/x"]
)
_resources = st.sampled_from([f"arn:aws:ecr:us-east-1:111111111111:repository/{p}" for p in ("*", "a/*", "b")])


def one_or_many(values: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return one value or a list of them; IAM accepts either."""
    return values | st.lists(values, min_size=1, max_size=3)


statement = optional(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": st.just("*") | st.fixed_dictionaries({"AWS": one_or_many(_principals)}),
        "Action": one_or_many(_actions),
    },
    Sid=st.sampled_from(["", "one", "two", "three"]),
    Resource=one_or_many(_resources),
    Condition=st.fixed_dictionaries(
        {"StringEquals": st.fixed_dictionaries({"aws:PrincipalTag/x": one_or_many(_names)})}
    ),
)


def policy_of(statements: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the registry policy with these statements."""
    return {"policyText": json.dumps({"Version": "2012-10-17", "Statement": statements}) if statements else ""}


policy = st.lists(statement, max_size=4).map(policy_of)

SHAPES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "account_settings": account_settings,
    "registry_policy": policy,
    "repository_creation_templates": templates,
    "pull_through_cache_rules": cache_rules,
    "replication_configuration": replication,
    "scanning_configuration": scanning,
    "signing_configuration": signing,
    "pull_time_update_exclusions": exclusions,
}
