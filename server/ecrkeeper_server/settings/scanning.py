"""Scanning: elements are the scan type and each pair of frequency and filter.

Facts: `PutRegistryScanningConfiguration` in the ECR API reference; "Scan
images for software vulnerabilities" in the ECR user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecrkeeper_server.errors import Violation
from ecrkeeper_server.names import RegistryName
from ecrkeeper_server.settings.document import Document
from ecrkeeper_server.settings.elements import Elements, Value
from ecrkeeper_server.settings.filters import MAX_FILTERS, packed
from ecrkeeper_server.settings.plan import Plan
from ecrkeeper_server.settings.setting import Contradiction, Quota, Read, Shape, Warning

SCAN_TYPE = "scanType"
DEFAULTS: Elements = {SCAN_TYPE: "BASIC"}
MAX_RULES = 2

# The frequencies that only one scan type has.
_ONLY = {"CONTINUOUS_SCAN": "ENHANCED", "MANUAL": "BASIC"}


def split(shape: Shape) -> dict[str, Value]:
    """Return the scan type, if the shape names one, and a pair for every filter."""
    elements: dict[str, Value] = {SCAN_TYPE: shape[SCAN_TYPE]} if shape.get(SCAN_TYPE) else {}
    for rule in shape.get("rules") or ():
        for f in rule.get("repositoryFilters") or ():
            elements[f"{rule.get('scanFrequency', '')}:{f.get('filter', '')}"] = {}
    return elements


def pairs_of(elements: Elements) -> list[tuple[str, str]]:
    """Return the frequency and the filter of each element except the scan type."""
    parted = [key.partition(":") for key in elements if key != SCAN_TYPE]
    return [(frequency, text) for frequency, _, text in parted]


def join(elements: Elements) -> dict[str, Any]:
    """Return one rule for each frequency, and the scan type if an element names it."""
    rules = [
        {
            "scanFrequency": frequency,
            "repositoryFilters": [{"filter": text, "filterType": "WILDCARD"} for text in texts],
        }
        for frequency, texts in packed(pairs_of(elements))
    ]
    kind = {SCAN_TYPE: elements[SCAN_TYPE]} if SCAN_TYPE in elements else {}
    return {**kind, "rules": rules}


def _body(shape: dict[str, Any], _observed: Shape) -> dict[str, Any]:
    # AWS does not document the effect of a missing member, so both are always sent.
    return {**DEFAULTS, **shape}


def validate(shape: Shape, _registry: RegistryName, path: str) -> list[Violation]:
    """Return rules that match nothing, and frequencies that the scan type lacks."""
    violations = []
    for i, rule in enumerate(shape.get("rules") or ()):
        at = f"{path}.rules[{i}]"
        if not rule.get("repositoryFilters"):
            description = "must have a filter; a rule without any matches nothing (`*` matches all)"
            violations.append(Violation(f"{at}.repository_filters", description))
        kind = shape.get(SCAN_TYPE)
        needed = _ONLY.get(rule.get("scanFrequency", ""))
        if kind and needed not in (None, kind):
            description = f"{rule['scanFrequency']} requires scan_type {needed}, got {kind}"
            violations.append(Violation(f"{at}.scan_frequency", description))
    return violations


def validate_together(elements: Elements, _registry: RegistryName) -> list[Contradiction]:
    """Return frequencies that the scan type lacks; BASIC unless an owner declares it."""
    kind = elements.get(SCAN_TYPE, DEFAULTS[SCAN_TYPE])
    of_frequency: dict[str, list[str]] = {}
    for key in elements:
        if key != SCAN_TYPE:
            of_frequency.setdefault(key.partition(":")[0], []).append(key)
    named = [SCAN_TYPE] if SCAN_TYPE in elements else []
    return [
        Contradiction(
            (*named, *sorted(keys)),
            f"{frequency} requires scan type {_ONLY[frequency]}, but the declarations of all owners result in {kind}",
        )
        for frequency, keys in sorted(of_frequency.items())
        if _ONLY.get(frequency, kind) != kind
    ]


def quota(elements: Elements) -> list[Quota]:
    """Return the use of rules, one for each frequency, and of their filters."""
    used: dict[str, int] = {}
    for frequency, _ in pairs_of(elements):
        used[frequency] = used.get(frequency, 0) + 1
    filters = [Quota(f"{frequency} filters", count, MAX_FILTERS) for frequency, count in sorted(used.items())]
    return [Quota("scanning rules", len(used), MAX_RULES), *filters]


def warnings(plan: Plan, _registry: RegistryName, _context: Mapping[str, Elements]) -> list[Warning]:
    """Warn of the consequences of a changed scan type."""
    warned = []
    for change in plan.changes:
        if change.key != SCAN_TYPE:
            continue
        if change.after == "ENHANCED":
            message = (
                "ENHANCED enables Amazon Inspector for the account, which is billed, and Inspector creates the"
                " service-linked role of inspector2.amazonaws.com"
            )
            warned.append(Warning("ENHANCED_SCANNING_ENABLED", SCAN_TYPE, message))
        message = "findings of the former scan type are hidden until that type is set again"
        warned.append(Warning("SCAN_TYPE_CHANGED", SCAN_TYPE, message))
    return warned


SCANNING = Document(
    name="scanning_configuration",
    reads=(Read("GetRegistryScanningConfiguration"),),
    member="scanningConfiguration",
    put="PutRegistryScanningConfiguration",
    body=_body,
    defaults=DEFAULTS,
    split=split,
    join=join,
    validate=validate,
    validate_together=validate_together,
    warnings=warnings,
    quota=quota,
)
