"""Signing: an element is one pair of signing profile and filter.

Facts: `PutSigningConfiguration` in the ECR API reference; "Managed signing"
in the ECR user guide (the profile is in the registry's Region, in any account).
"""

from __future__ import annotations

from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings import arns
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import Elements, Keys, Value
from ecrkeeper_server.settings.filters import packed
from ecrkeeper_server.settings.setting import Quota, Read, Shape

MAX_RULES = 10


def split(shape: Shape) -> dict[str, Value]:
    """Return a pair for every filter; a rule without filters signs everything."""
    return {
        f"{rule.get('signingProfileArn', '')} {text}": {}
        for rule in shape.get("rules") or ()
        for text in [f.get("filter", "") for f in rule.get("repositoryFilters") or ()] or [""]
    }


def pair_of(key: str) -> tuple[str, str]:
    """Return the profile and the filter of an element.

    An empty filter means every repository.
    """
    profile, _, text = key.partition(" ")
    return profile, text


def join(elements: Elements) -> dict[str, Any]:
    """Return one rule for each profile, or more if its filters do not fit into one."""
    rules: list[dict[str, Any]] = []
    for profile, texts in packed(map(pair_of, elements)):
        rule: dict[str, Any] = {"signingProfileArn": profile}
        if texts:
            rule["repositoryFilters"] = [{"filter": text, "filterType": "WILDCARD_MATCH"} for text in texts]
        rules.append(rule)
    return {"rules": rules}


def validate(shape: Shape, registry: RegistryName, path: str) -> list[Violation]:
    """Return profiles of another Region or partition."""
    violations = []
    for i, rule in enumerate(shape.get("rules") or ()):
        at = f"{path}.rules[{i}].signing_profile_arn"
        violations += arns.validate_region(rule.get("signingProfileArn", ""), registry, at, same_account=False)
    return violations


def _by_profile(keys: Keys) -> list[tuple[str, Keys]]:
    by_profile: dict[str, set[str]] = {}
    for key in keys:
        by_profile.setdefault(pair_of(key)[0], set()).add(key)
    return list(by_profile.items())


_GONE = frozenset({"SigningConfigurationNotFound"})

SIGNING = Document(
    name="signing_configuration",
    reads=(Read("GetSigningConfiguration", absent=_GONE),),
    member="signingConfiguration",
    put="PutSigningConfiguration",
    body=lambda shape, _: {"signingConfiguration": shape},
    delete="DeleteSigningConfiguration",
    gone=_GONE,
    split=split,
    join=join,
    validate=validate,
    quota=lambda elements: [Quota("signing rules", len(join(elements)["rules"]), MAX_RULES)],
    fits=MAX_RULES,
    units=_by_profile,
    names=lambda key, _: {"signing_profile": pair_of(key)[0]},
)
