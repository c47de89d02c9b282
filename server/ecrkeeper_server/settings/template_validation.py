"""Validate a repository creation template.

Facts: `CreateRepositoryCreationTemplate` in the ECR API reference; "Encryption
at rest" in the ECR user guide (only GovCloud has two-layer encryption).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.errors import MORE_VIOLATIONS, Violation, first_violations
from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings import arns, lifecycle_policy, prefixes, repository_policy
from ecrkeeper_server.settings.text_cache import text_cache

_WITHOUT_DSSE = frozenset({"aws", "aws-cn"})


def validate(shape: Mapping[str, Any], registry: RegistryName, path: str) -> list[Violation]:
    """Return the violations of all templates, at most a hundred."""
    return first_violations(_in_templates(shape, registry, f"{path}.templates"))


def _in_templates(shape: Mapping[str, Any], registry: RegistryName, at: str) -> Iterator[Violation]:
    templates = list(shape.get("templates") or ())
    yield from prefixes.validate_unique(templates, "prefix", at, "prefix")
    for i, template in enumerate(templates):
        item = f"{at}[{i}]"
        yield from _validate_mutability(template, item)
        yield from _validate_encryption(template, registry, item)
        yield from _validate_tags(template, item)
        yield from _validate_documents(template, registry, item)
        if template.get("customRoleArn"):
            yield from arns.validate_role(template["customRoleArn"], registry, f"{item}.custom_role_arn")


def needs_custom_role(template: Mapping[str, Any]) -> str:
    """List the members that ECR's service-linked role cannot apply.

    Empty if the template has a custom role.
    """
    if template.get("customRoleArn"):
        return ""
    encryption = (template.get("encryptionConfiguration") or {}).get("encryptionType", "AES256")
    needing = ["resource_tags"] if template.get("resourceTags") else []
    needing += ["KMS encryption"] if encryption != "AES256" else []
    return " and ".join(needing)


def _validate_mutability(template: Mapping[str, Any], at: str) -> list[Violation]:
    mutability = template.get("imageTagMutability") or "MUTABLE"
    excluding = mutability.endswith("_WITH_EXCLUSION")
    has_filters = bool(template.get("imageTagMutabilityExclusionFilters"))
    if excluding == has_filters:
        return []
    description = f"must have a filter with {mutability}" if excluding else f"must be empty with {mutability}"
    return [Violation(f"{at}.image_tag_mutability_exclusion_filters", description)]


def _validate_encryption(template: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    encryption = template.get("encryptionConfiguration") or {}
    kind, key = encryption.get("encryptionType", "AES256"), encryption.get("kmsKey")
    violations = []
    if kind == "KMS_DSSE" and registry.partition in _WITHOUT_DSSE:
        description = "KMS_DSSE is available only in GovCloud Regions"
        violations.append(Violation(f"{at}.encryption_configuration.encryption_type", description))
    if key and kind == "AES256":
        description = "must be empty with AES256, which uses no KMS key"
        violations.append(Violation(f"{at}.encryption_configuration.kms_key", description))
    elif key:
        field = f"{at}.encryption_configuration.kms_key"
        violations += arns.validate_region(key, registry, field, same_account=False)
    return violations


def _validate_tags(template: Mapping[str, Any], at: str) -> list[Violation]:
    violations = []
    indexes: dict[str, int] = {}
    for i, tag in enumerate(template.get("resourceTags") or ()):
        key = tag.get("Key", "")
        first = indexes.setdefault(key, i)
        if first != i:
            violations.append(Violation(f"{at}.resource_tags[{i}].key", f"repeats the key of resource_tags[{first}]"))
        if key.lower().startswith("aws:"):
            description = f"must not begin with `aws:`, which AWS reserves, got {shown(key)}"
            violations.append(Violation(f"{at}.resource_tags[{i}].key", description))
    return violations


def _validate_documents(template: Mapping[str, Any], registry: RegistryName, at: str) -> list[Violation]:
    violations = []
    if template.get("repositoryPolicy"):
        inner = _validate_repository_policy(template["repositoryPolicy"], registry)
        violations += [_below(f"{at}.repository_policy", each) for each in inner]
    if template.get("lifecyclePolicy"):
        inner = _validate_lifecycle_policy(template["lifecyclePolicy"])
        violations += [_below(f"{at}.lifecycle_policy", each) for each in inner]
    return violations


# Both take milliseconds for a long text; the paths of what they return begin inside of it.
@text_cache
def _validate_repository_policy(text: str, registry: RegistryName) -> tuple[Violation, ...]:
    return tuple(repository_policy.validate(text, registry, ""))


@text_cache
def _validate_lifecycle_policy(text: str) -> tuple[Violation, ...]:
    return tuple(lifecycle_policy.validate(text, ""))


def _below(at: str, violation: Violation) -> Violation:
    return violation if violation is MORE_VIOLATIONS else replace(violation, field=at + violation.field)
