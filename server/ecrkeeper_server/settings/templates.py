"""Repository creation templates: an element is one template, its key the prefix.

Facts: `CreateRepositoryCreationTemplate` and `UpdateRepositoryCreationTemplate`
in the ECR API reference; "Templates to control repositories created during a
pull through cache, create on push, or replication action" in the user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import prefixes, statements
from ecrkeeper_server.settings.collection import Collection
from ecrkeeper_server.settings.elements import Elements, Value, join_items, split_items
from ecrkeeper_server.settings.json_text import NotJson, dump, parse
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.policy_validation import statements_of
from ecrkeeper_server.settings.setting import Read, Warning
from ecrkeeper_server.settings.template_validation import needs_custom_role, validate
from ecrkeeper_server.settings.text_cache import text_cache

AES256 = {"encryptionType": "AES256"}
TEXTS = ("description", "repositoryPolicy", "lifecyclePolicy", "customRoleArn")


def key_of(template: Mapping[str, Any]) -> str:
    """Return the prefix in canonical spelling."""
    return prefixes.canonical(template.get("prefix", ""))


def value_of(template: Mapping[str, Any]) -> Value:
    """Return the template without its prefix and empty members, with AWS's defaults."""
    encryption = {k: v for k, v in (template.get("encryptionConfiguration") or AES256).items() if v}
    value: dict[str, Any] = {
        "appliedFor": sorted(set(template.get("appliedFor") or ())),
        "encryptionConfiguration": encryption,
        "imageTagMutability": template.get("imageTagMutability") or "MUTABLE",
    }
    value.update({member: template[member] for member in TEXTS if template.get(member)})
    if "repositoryPolicy" in value:
        value["repositoryPolicy"] = _canonical_repository_policy(value["repositoryPolicy"])
    if "lifecyclePolicy" in value:
        value["lifecyclePolicy"] = _canonical_lifecycle_policy(value["lifecyclePolicy"])
    tags = [{"Key": tag.get("Key", ""), "Value": tag.get("Value") or ""} for tag in template.get("resourceTags") or ()]
    if tags:
        value["resourceTags"] = sorted(tags, key=lambda tag: (tag["Key"], tag["Value"]))
    exclusions = template.get("imageTagMutabilityExclusionFilters")
    if exclusions:
        value["imageTagMutabilityExclusionFilters"] = [dict(f) for f in exclusions]
    return value


# A declaration is split several times on its way, and takes milliseconds for each text.
@text_cache
def _canonical_repository_policy(text: str) -> str:
    return _canonical_text(text, _repository_policy)


@text_cache
def _canonical_lifecycle_policy(text: str) -> str:
    return _canonical_text(text, _lifecycle_policy)


def _canonical_text(text: str, canonical: Any) -> str:
    """Return the canonical text of a document, or the text itself if it is invalid."""
    try:
        document = parse(text)
    except NotJson:
        return text
    return dump(canonical(document)) if isinstance(document, dict) else text


def _repository_policy(document: dict[str, Any]) -> dict[str, Any]:
    listed = statements_of(document)
    if not all(isinstance(statement, dict) for statement in listed):
        return document
    written = [
        {**statements.canonical(statement), **({"Sid": statement["Sid"]} if statement.get("Sid") else {})}
        for statement in listed
    ]
    return {**document, "Statement": sorted(written, key=dump)}


def _lifecycle_policy(document: dict[str, Any]) -> dict[str, Any]:
    rules = document.get("rules")
    if not isinstance(rules, list):
        return document
    return {**document, "rules": sorted(map(_lifecycle_rule, rules), key=_priority)}


def _lifecycle_rule(rule: Any) -> Any:
    selection = rule.get("selection") if isinstance(rule, dict) else None
    if not isinstance(selection, dict):
        return rule
    lists = {name: sorted(v, key=dump) for name, v in selection.items() if isinstance(v, list)}
    return {**rule, "selection": {**selection, **lists}}


def _priority(rule: Any) -> tuple[float, str]:
    priority = rule.get("rulePriority") if isinstance(rule, dict) else None
    return (priority if isinstance(priority, (int, float)) else 0, dump(rule))


def prepare(shape: Mapping[str, Any], registry: RegistryName | None) -> Iterator[None]:
    """Validate and canonicalize each template in a step, and cache the results."""
    for template in shape.get("templates") or ():
        invalid = registry is not None and validate({"templates": [template]}, registry, "")
        yield
        # An invalid one is rejected, so nobody needs its value.
        if not invalid:
            value_of(template)
            yield


def _item(key: str, value: Value) -> dict[str, Any]:
    return {"prefix": key, **value}


def _update(key: str, before: Value, after: Value) -> dict[str, Any]:
    # An update replaces only some of the members that it omits. It therefore always sends the whole
    # template, with empty values for the members to remove.
    cleared: dict[str, Any] = {member: "" for member in TEXTS if member in before and member not in after}
    if "resourceTags" in before and "resourceTags" not in after:
        cleared["resourceTags"] = []
    return {**_item(key, after), **cleared}


def warnings(plan: Plan, _registry: RegistryName, context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of templates that ECR stores but cannot use, and of unrestricted pushes."""
    warned = []
    policy = context.get("registry_policy", {})
    open_to_all = any(statements.lets_anyone(s, "ecr:CreateRepository") for s in policy.values())
    for change in plan.changes:
        if change.after is None:
            continue
        needing = needs_custom_role(change.after)
        if needing:
            message = (
                f"{needing} and no custom_role_arn: AWS accepts the template, but ECR's own role may not apply"
                " them, so creating a repository from it fails"
            )
            warned.append(Warning("TEMPLATE_NEEDS_CUSTOM_ROLE", change.key, message))
        if open_to_all and "CREATE_ON_PUSH" in change.after["appliedFor"]:
            message = "CREATE_ON_PUSH is set, and the registry policy lets any principal create repositories by pushing"
            warned.append(Warning("CREATE_ON_PUSH_OPEN_TO_ALL", change.key, message))
    return warned


_GONE = frozenset({"TemplateNotFound"})

TEMPLATES = Collection(
    name="repository_creation_templates",
    role="repository-creation-template",
    reads=(
        Read(
            "DescribeRepositoryCreationTemplates",
            # A template may have two policies of 40 KiB, and a page must fit into one answer.
            {"maxResults": 100},
            "repositoryCreationTemplates",
            _GONE,
        ),
    ),
    items="templates",
    listed=lambda responses: [t for response in responses for t in response.get("repositoryCreationTemplates") or ()],
    key_of=key_of,
    key_member="prefix",
    create="CreateRepositoryCreationTemplate",
    create_params=_item,
    update="UpdateRepositoryCreationTemplate",
    update_params=_update,
    delete="DeleteRepositoryCreationTemplate",
    gone=_GONE,
    exists=frozenset({"TemplateAlreadyExists"}),
    split=split_items("templates", key_of, value_of),
    join=join_items("templates", _item),
    validate=validate,
    prepare=prepare,
    warnings=warnings,
)
