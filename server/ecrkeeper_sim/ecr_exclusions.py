"""ECR pull-time update exclusions."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.paging import ecr_page
from ecrkeeper_sim.state import Json


@handles("ecr", "ListPullTimeUpdateExclusions")
def list_exclusions(call: Call, params: Json) -> Json:
    """Return the excluded principals in order, page by page."""
    items = [(arn, arn) for arn in sorted(call.registry.exclusions)]
    shown, token = ecr_page(items, params, 100)
    return {"pullTimeUpdateExclusions": shown, **({"nextToken": token} if token else {})}


@handles("ecr", "RegisterPullTimeUpdateExclusion")
def register_exclusion(call: Call, params: Json) -> Json:
    """Exclude a principal."""
    arn, exclusions = params["principalArn"], call.registry.exclusions
    if arn in exclusions:
        raise AwsError(
            "ExclusionAlreadyExistsException", f"The specified pull time update exclusion '{arn}' already exists."
        )
    quota = call.settings.exclusion_quota
    if len(exclusions) >= quota:
        raise AwsError(
            "LimitExceededException", f"The maximum number of {quota} pull time update exclusions was reached."
        )
    exclusions[arn] = call.now()
    return {"principalArn": arn, "createdAt": exclusions[arn]}


@handles("ecr", "DeregisterPullTimeUpdateExclusion")
def deregister_exclusion(call: Call, params: Json) -> Json:
    """Include a principal again."""
    arn, exclusions = params["principalArn"], call.registry.exclusions
    if arn not in exclusions:
        raise AwsError(
            "ExclusionNotFoundException", f"The specified pull time update exclusion '{arn}' does not exist."
        )
    del exclusions[arn]
    return {"principalArn": arn}
