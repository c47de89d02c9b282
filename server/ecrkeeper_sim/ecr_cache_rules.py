"""ECR pull-through cache rules."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles, own_registry
from ecrkeeper_sim.ecr_replication import require_service_linked_role
from ecrkeeper_sim.ecr_upstreams import check_credentials, resolve_upstream, validation_failure
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.iam_roles import PULL_THROUGH_CACHE
from ecrkeeper_sim.iam_usage import note_release, resources_in_use
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.state import Json, Registry

_OPTIONAL = ("credentialArn", "customRoleArn", "upstreamRepositoryPrefix")
_UNSUPPORTED_PARTITIONS = ("aws-cn", "aws-us-gov")


def canonical_prefix(prefix: str) -> str:
    """Return the prefix without the `/` that ECR implies."""
    return prefix.removesuffix("/")


@handles("ecr", "CreatePullThroughCacheRule")
def create_rule(call: Call, params: Json) -> Json:
    """Create a rule, and the service-linked role if it is missing."""
    registry, key = own_registry(call, params), canonical_prefix(params["ecrRepositoryPrefix"])
    if call.partition in _UNSUPPORTED_PARTITIONS:
        raise AwsError("ValidationException", f"Pull through cache is not supported in {call.region}")
    upstream = resolve_upstream(call, params)
    _check_upstream_prefix(key, params)
    if key in registry.cache_rules:
        raise AwsError(
            "PullThroughCacheRuleAlreadyExistsException",
            f"A pull through cache rule with prefix '{key}' already exists "
            f"in the registry with id '{registry.account}'",
        )
    if len(registry.cache_rules) >= call.settings.cache_rule_quota:
        raise AwsError(
            "LimitExceededException",
            f"The maximum number of {call.settings.cache_rule_quota} pull through cache rules was reached "
            f"for the registry with id '{registry.account}'",
        )
    check_credentials(call, params)
    require_service_linked_role(call, PULL_THROUGH_CACHE)
    rule: Json = {
        "ecrRepositoryPrefix": key,
        "upstreamRegistryUrl": params["upstreamRegistryUrl"],
        "upstreamRegistry": upstream.name,
        "createdAt": call.now(),
        "updatedAt": call.now(),
        "registryId": registry.account,
        **{name: params[name] for name in _OPTIONAL if params.get(name) is not None},
    }
    if upstream.name == "ecr":
        rule.setdefault("upstreamRepositoryPrefix", "ROOT")
    registry.cache_rules[key] = rule
    return {name: value for name, value in rule.items() if name != "updatedAt"}


@handles("ecr", "UpdatePullThroughCacheRule")
def update_rule(call: Call, params: Json) -> Json:
    """Change the credentials of a rule; nothing else can change."""
    registry = own_registry(call, params)
    rule = _existing(registry, params["ecrRepositoryPrefix"])
    changes = {k: params[k] for k in ("credentialArn", "customRoleArn") if params.get(k) is not None}
    if not changes:
        raise AwsError(
            "InvalidParameterException",
            "Invalid input: Please set either credential arn or role arn to update the credentials",
        )
    check_credentials(call, params)
    updated = {**rule, **changes, "updatedAt": call.now()}
    registry.cache_rules[rule["ecrRepositoryPrefix"]] = updated
    return _picked(updated, "ecrRepositoryPrefix", "registryId", "updatedAt", *_OPTIONAL)


@handles("ecr", "DeletePullThroughCacheRule")
def delete_rule(call: Call, params: Json) -> Json:
    """Delete a rule and return what it was."""
    registry = own_registry(call, params)
    rule = _existing(registry, params["ecrRepositoryPrefix"])
    before = resources_in_use(registry, PULL_THROUGH_CACHE)
    del registry.cache_rules[rule["ecrRepositoryPrefix"]]
    note_release(call.world, registry, PULL_THROUGH_CACHE, before)
    return _picked(rule, "ecrRepositoryPrefix", "upstreamRegistryUrl", "createdAt", "registryId", *_OPTIONAL)


@handles("ecr", "DescribePullThroughCacheRules")
def describe_rules(call: Call, params: Json) -> Json:
    """Return the rules of the named prefixes, or all of them page by page."""
    registry = own_registry(call, params)
    wanted = params.get("ecrRepositoryPrefixes")
    if wanted is None:
        items = sorted(registry.cache_rules.items())
    else:
        items = sorted({(key := canonical_prefix(p)): _existing(registry, key) for p in wanted}.items())
    shown, token = ecr_page(items, params, 100)
    return {"pullThroughCacheRules": shown, **({"nextToken": token} if token else {})}


@handles("ecr", "ValidatePullThroughCacheRule")
def validate_rule(call: Call, params: Json) -> Json:
    """Return whether the upstream of a rule accepts its credentials."""
    rule = _existing(own_registry(call, params), params["ecrRepositoryPrefix"])
    failure = validation_failure(call, rule)
    answer = _picked(rule, "ecrRepositoryPrefix", "registryId", "upstreamRegistryUrl", *_OPTIONAL)
    answer["isValid"] = failure is None
    if failure is not None:
        answer["failure"] = failure
    return answer


def _check_upstream_prefix(key: str, params: Json) -> None:
    if key == "ROOT" and params.get("upstreamRepositoryPrefix", "ROOT") != "ROOT":
        raise invalid_parameter(
            "upstreamRepositoryPrefix", "Upstream repository prefix must be ROOT when the ECR repository prefix is ROOT"
        )


def _existing(registry: Registry, prefix: str) -> Json:
    rule = registry.cache_rules.get(canonical_prefix(prefix))
    if rule is None:
        raise AwsError(
            "PullThroughCacheRuleNotFoundException",
            f"The pull through cache rule with prefix '{prefix}' does not exist "
            f"in the registry with id '{registry.account}'",
        )
    return rule


def _picked(rule: Json, *names: str) -> Json:
    return {name: rule[name] for name in names if name in rule}
