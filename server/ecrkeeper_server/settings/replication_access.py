"""Check whether a destination registry accepts a source's replicated images.

AWS checks this only image by image. Facts: "Registry permissions" and "Private
image replication" in the ECR user guide; "Policy evaluation logic" (IAM).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from ecrkeeper_server.names import RegistryName, shown
from ecrkeeper_server.settings.arrivals import (
    CREATE,
    EVERYTHING,
    REPLICATE,
    Access,
    Arrival,
    Outcome,
    judge,
    relevant_templates,
    surveying,
)
from ecrkeeper_server.settings.clause_decisions import Cause
from ecrkeeper_server.settings.elements import Elements
from ecrkeeper_server.settings.replication_clauses import clauses
from ecrkeeper_server.settings.setting import Warning
from ecrkeeper_server.settings.template_validation import needs_custom_role
from ecrkeeper_server.turns import Steps

SETTINGS_OF_DESTINATION = ("registry_policy", "account_settings", "repository_creation_templates")
MAX_FINDINGS = 20

_SURE = frozenset({Outcome.ARRIVES, Outcome.ARRIVES_IF_REPOSITORY_EXISTS})
_DOUBTS = frozenset({"DESTINATION_POLICY_CONDITIONAL", "DESTINATION_POLICY_PRINCIPAL_UNCERTAIN"})
_LIMITED = frozenset({Outcome.ARRIVES_IF_REPOSITORY_EXISTS, Outcome.DOES_NOT_ARRIVE})


class Check(Struct, frozen=True):
    """The result of a check: the arrivals, and the reasons against the others."""

    result: str
    findings: tuple[Warning, ...]
    arrivals: tuple[Arrival, ...]


class Destination(Struct, frozen=True):
    """A destination of one source, with the elements that decide.

    `scope` is its REGISTRY_POLICY_SCOPE.
    """

    source: RegistryName
    name: RegistryName
    policy: Elements
    scope: str | None
    templates: Elements


def checking(destination: Destination, filters: Collection[str]) -> Steps[Check]:
    """Check which repositories under the filters arrive at a destination, in steps."""
    if obstacles := _obstacles(destination):
        return Check("BROKEN", tuple(obstacles), (Arrival(Outcome.DOES_NOT_ARRIVE, tuple(sorted(filters)), (), ""),))
    access = yield from _access(destination)
    surveyed = yield from surveying(filters, access)
    if not surveyed.arrivals:
        message = f"no repository can have a name that begins with {_some(sorted(map(shown, filters)))}"
        return Check("BROKEN", (Warning("REPLICATION_FILTER_MATCHES_NOTHING", str(destination.name), message),), ())
    findings = [_finding(destination, cause, name) for cause, name in list(surveyed.causes.items())[:MAX_FINDINGS]]
    return Check(_result({arrival.outcome for arrival in surveyed.arrivals}), tuple(findings), surveyed.arrivals)


def explaining_arrival(destination: Destination, repository: str) -> Steps[tuple[Outcome, tuple[Warning, ...]]]:
    """Check whether the images of one repository arrive at a destination, in steps."""
    if obstacles := _obstacles(destination):
        return Outcome.DOES_NOT_ARRIVE, tuple(obstacles)
    access = yield from _access(destination)
    verdict = yield from judge(repository, access)
    return verdict.outcome, tuple(_finding(destination, cause, repository) for cause in verdict.causes)


def _result(outcomes: Collection[Outcome]) -> str:
    if set(outcomes) == {Outcome.ARRIVES}:
        return "OK"
    if set(outcomes) == {Outcome.DOES_NOT_ARRIVE}:
        return "BROKEN"
    if Outcome.UNKNOWN not in outcomes or (_SURE & set(outcomes) and _LIMITED & set(outcomes)):
        return "CONDITIONAL"
    return "UNKNOWN"


def _obstacles(destination: Destination) -> list[Warning]:
    """Return the errors that prevent every replication."""
    source, name, subject = destination.source, destination.name, str(destination.name)
    warned = []
    if source.partition != name.partition:
        message = f"{name.region} is in partition {name.partition}; AWS replicates only within {source.partition}"
        warned.append(Warning("DESTINATION_OTHER_PARTITION", subject, message))
    if source.account != name.account and not destination.policy:
        message = (
            f"destination registry {name.account}/{name.region} has no registry policy; it must allow"
            f" {REPLICATE} and {CREATE} to {_root(source)}"
        )
        warned.append(Warning("DESTINATION_POLICY_MISSING", subject, message))
    return warned


def _access(destination: Destination) -> Steps[Access]:
    source, name, policy = destination.source, destination.name, destination.policy
    own = source.account == name.account
    if own and destination.scope != "V2":
        # Under V1 the policy does not bind its own account.
        policy = {}
    granted = (EVERYTHING,) if own else ()
    usable = {
        prefix: not needs_custom_role(template)
        for prefix, template in destination.templates.items()
        if "REPLICATION" in template["appliedFor"]
    }
    return Access(
        replicate=(*granted, *(yield from clauses(REPLICATE, source, name, policy))),
        create=(*granted, *(yield from clauses(CREATE, source, name, policy))),
        templates=relevant_templates(usable),
    )


def _root(source: RegistryName) -> str:
    return f"arn:{source.partition}:iam::{source.account}:root"


def _finding(destination: Destination, cause: Cause, repository: str) -> Warning:
    text = _TEXTS[cause.reason](destination, cause)
    if cause.reason != "DESTINATION_POLICY_TOO_COMPLEX":
        verb = "may be unable to" if cause.reason in _DOUBTS else "cannot"
        action = "create the repository" if cause.action == CREATE else "replicate images into"
        text += f"; ECR {verb} {action} {shown(repository)} there"
    return Warning(cause.reason, str(destination.name), text)


def _denies(destination: Destination, cause: Cause) -> str:
    return f"statement {cause.key} of the destination's policy denies {cause.action} to {_root(destination.source)}"


def _conditional(destination: Destination, cause: Cause) -> str:
    effect = destination.policy[cause.key].get("Effect")
    return (
        f"statement {cause.key} ({effect}) makes {cause.action} depend on a Condition or a policy variable,"
        " which this check does not evaluate"
    )


def _principal_uncertain(destination: Destination, cause: Cause) -> str:
    value = destination.policy[cause.key]
    kinds: Mapping[str, list[str]] = value.get("Principal") or value.get("NotPrincipal") or {}
    named = _some([principal for principals in kinds.values() for principal in principals])
    return (
        f"statement {cause.key} ({value.get('Effect')}) names {named} for {cause.action}, and AWS does not document"
        f" whether ECR replicates as that principal; name {_root(destination.source)}"
    )


def _not_allowed(destination: Destination, cause: Cause) -> str:
    return f"the policy of {destination.name} does not allow {cause.action} to {_root(destination.source)}"


def _wrong_resource(destination: Destination, cause: Cause) -> str:
    name = destination.name
    return (
        f"statement {cause.key} allows {cause.action} on {_resources(destination, cause)}, which are not repositories"
        f" of destination {name.account} in Region {name.region}"
    )


def _other_repositories(destination: Destination, cause: Cause) -> str:
    return (
        f"statement {cause.key} allows {cause.action} on {_resources(destination, cause)} only, which excludes"
        " repositories that are replicated there"
    )


def _template_unusable(destination: Destination, cause: Cause) -> str:
    return (
        f"the template {cause.key} of the destination has {needs_custom_role(destination.templates[cause.key])} and no"
        " custom role: ECR cannot create replicated repositories from it"
    )


def _too_complex(_destination: Destination, _cause: Cause) -> str:
    return (
        "the wildcards of the destination's policy are too many to compare with all repository names;"
        " ExplainRepository answers for one repository"
    )


def _resources(destination: Destination, cause: Cause) -> str:
    value = destination.policy[cause.key]
    excepted = value.get("NotResource")
    return f"all but {_some(excepted)}" if excepted else _some(value.get("Resource") or ["no resource"])


def _some(names: Collection[str]) -> str:
    first = list(names)[:5]
    return ", ".join(first) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


_TEXTS = {
    "DESTINATION_POLICY_DENIES": _denies,
    "DESTINATION_POLICY_CONDITIONAL": _conditional,
    "DESTINATION_POLICY_PRINCIPAL_UNCERTAIN": _principal_uncertain,
    "DESTINATION_POLICY_NOT_ALLOWED": _not_allowed,
    "DESTINATION_POLICY_WRONG_RESOURCE": _wrong_resource,
    "DESTINATION_POLICY_OTHER_REPOSITORIES": _other_repositories,
    "DESTINATION_POLICY_TOO_COMPLEX": _too_complex,
    "DESTINATION_TEMPLATE_UNUSABLE": _template_unusable,
}
