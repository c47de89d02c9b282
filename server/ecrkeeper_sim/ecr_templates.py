"""ECR repository creation templates."""

from __future__ import annotations

import json

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.ecr_cache_rules import canonical_prefix
from ecrkeeper_sim.ecr_replication import require_service_linked_role
from ecrkeeper_sim.ecr_upstreams import check_custom_role
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.iam_roles import TEMPLATE
from ecrkeeper_sim.iam_usage import note_release, resources_in_use
from ecrkeeper_sim.lifecycle_documents import check_lifecycle_policy
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.policy_documents import check_repository_policy
from ecrkeeper_sim.state import Json

_TEXTS = ("description", "repositoryPolicy", "lifecyclePolicy", "customRoleArn")
_FILTERS = "imageTagMutabilityExclusionFilters"
_TAG_QUOTA = 50
_KEY_WITH_AES256 = "Invalid encryption configuration: Encryption key should not be set for AES256 encryption."


@handles("ecr", "CreateRepositoryCreationTemplate")
def create_template(call: Call, params: Json) -> Json:
    """Create a template, and the service-linked role if it is missing."""
    templates, key = call.registry.templates, canonical_prefix(params["prefix"])
    if key in templates:
        raise AwsError(
            "TemplateAlreadyExistsException",
            f"The repository creation template with prefix '{key}' already exists "
            f"in the registry with id '{call.identity.account}'",
        )
    if len(templates) >= call.settings.template_quota:
        raise AwsError(
            "LimitExceededException",
            f"The maximum number of {call.settings.template_quota} repository creation templates was reached",
        )
    _check_documents(call, params)
    now = call.now()
    template = patched({"prefix": key, "createdAt": now, "updatedAt": now}, params)
    _check(call, template, params)
    _authorize_dependents(call, template)
    require_service_linked_role(call, TEMPLATE)
    templates[key] = template
    return _answer(call, template)


@handles("ecr", "UpdateRepositoryCreationTemplate")
def update_template(call: Call, params: Json) -> Json:
    """Change the members that are given.

    Without `imageTagMutability` that becomes MUTABLE.
    """
    old = _existing(call, params["prefix"])
    _check_documents(call, params)
    template = {**patched(old, params), "updatedAt": call.now()}
    _check(call, template, params)
    _authorize_dependents(call, template)
    require_service_linked_role(call, TEMPLATE)
    call.registry.templates[template["prefix"]] = template
    return _answer(call, template)


@handles("ecr", "DeleteRepositoryCreationTemplate")
def delete_template(call: Call, params: Json) -> Json:
    """Delete a template and return what it was."""
    template, registry = _existing(call, params["prefix"]), call.registry
    before = resources_in_use(registry, TEMPLATE)
    del registry.templates[template["prefix"]]
    note_release(call.world, registry, TEMPLATE, before)
    return _answer(call, template)


@handles("ecr", "DescribeRepositoryCreationTemplates")
def describe_templates(call: Call, params: Json) -> Json:
    """Return the existing templates of the named prefixes, or all by pages."""
    wanted = params.get("prefixes")
    keys = None if wanted is None else {canonical_prefix(prefix) for prefix in wanted}
    items = [(k, t) for k, t in sorted(call.registry.templates.items()) if keys is None or k in keys]
    shown, token = ecr_page(items, params, 100)
    answer: Json = {"registryId": call.identity.account, "repositoryCreationTemplates": shown}
    return {**answer, **({"nextToken": token} if token else {})}


def patched(old: Json, params: Json) -> Json:
    """Return the template after a change.

    It has the given members, defaults, and rewritten documents.
    """
    new = {**old, **{k: v for k, v in params.items() if k != "prefix" and v is not None}}
    new.setdefault("encryptionConfiguration", {"encryptionType": "AES256"})
    new["imageTagMutability"] = params.get("imageTagMutability") or "MUTABLE"
    if not new["imageTagMutability"].endswith("_WITH_EXCLUSION") and _FILTERS not in params:
        new.pop(_FILTERS, None)
    for name in ("repositoryPolicy", "lifecyclePolicy"):
        if new.get(name):
            new[name] = _rewritten(name, new[name])
    cleared = [k for k in (*_TEXTS, "resourceTags") if k in new and not new[k]]
    return {k: v for k, v in new.items() if k not in cleared}


def _check(call: Call, template: Json, params: Json) -> None:
    mutability = template["imageTagMutability"]
    if mutability.endswith("_WITH_EXCLUSION") != (_FILTERS in template):
        are = "are not allowed" if _FILTERS in template else "can't be null"
        text = f"ImageTagMutabilityExclusionFilters {are} when imageTagMutability is set to {mutability}"
        raise invalid_parameter(_FILTERS, text)
    encryption = template["encryptionConfiguration"]
    if encryption["encryptionType"] == "AES256" and encryption.get("kmsKey"):
        raise invalid_parameter("encryptionConfiguration", _KEY_WITH_AES256)
    if encryption.get("kmsKey") and encryption["kmsKey"].split(":")[3] != call.region:
        raise AwsError("KmsException", f"Invalid arn {encryption['kmsKey'].split(':')[3]}")
    keys = [tag["Key"] for tag in template.get("resourceTags", [])]
    if len(keys) > _TAG_QUOTA or len(set(keys)) != len(keys):
        raise invalid_parameter("resourceTags", f"There can be at most {_TAG_QUOTA} tags, each with its own key")
    if params.get("customRoleArn"):
        check_custom_role(call, params["customRoleArn"], TEMPLATE)


def _check_documents(call: Call, params: Json) -> None:
    """Validate the documents, which AWS may do only when it creates a repository."""
    if not call.settings.templates_check_documents:
        return
    if params.get("lifecyclePolicy"):
        check_lifecycle_policy(params["lifecyclePolicy"])
    if params.get("repositoryPolicy"):
        check_repository_policy(params["repositoryPolicy"], call.partition, call.settings.unresolvable_principals)


def _authorize_dependents(call: Call, template: Json) -> None:
    resource = f"arn:{call.partition}:ecr:{call.region}:{call.identity.account}:repository/*"
    call.authorize("ecr:CreateRepository", resource)
    if "lifecyclePolicy" in template:
        call.authorize("ecr:PutLifecyclePolicy", resource)
    if "repositoryPolicy" in template:
        call.authorize("ecr:SetRepositoryPolicy", resource)


def _rewritten(name: str, text: str) -> str:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise invalid_parameter(name[0].upper() + name[1:], f"Invalid {name} provided: it is not a JSON object")
    return json.dumps(document, indent=2 if name == "repositoryPolicy" else None, separators=(",", ":"))


def _existing(call: Call, prefix: str) -> Json:
    template = call.registry.templates.get(canonical_prefix(prefix))
    if template is None:
        raise AwsError(
            "TemplateNotFoundException",
            f"The repository creation template with prefix '{prefix}' does not exist "
            f"in the registry with id '{call.identity.account}'",
        )
    return template


def _answer(call: Call, template: Json) -> Json:
    return {"registryId": call.identity.account, "repositoryCreationTemplate": template}
