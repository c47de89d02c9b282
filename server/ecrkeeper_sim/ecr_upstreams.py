"""The upstream registries of pull-through cache rules: their URLs and credentials."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from ecrkeeper_sim.calls import Call
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.secrets_api import find_secret
from ecrkeeper_sim.state import Json, Secret

_CUSTOM_KEY_FREE = (None, "", "alias/aws/secretsmanager")


@dataclass(frozen=True, slots=True)
class Upstream:
    """One kind of upstream registry."""

    name: str
    url: re.Pattern[str]
    needs_secret: bool


_UPSTREAMS = tuple(
    Upstream(name, re.compile(url), needs_secret)
    for name, url, needs_secret in (
        ("ecr-public", r"public\.ecr\.aws", False),
        ("k8s", r"registry\.k8s\.io", False),
        ("quay", r"quay\.io", False),
        ("docker-hub", r"registry-1\.docker\.io", True),
        ("github-container-registry", r"ghcr\.io", True),
        ("gitlab-container-registry", r"registry\.gitlab\.com", True),
        ("azure-container-registry", r"[A-Za-z0-9-]{1,63}\.azurecr\.io", True),
        ("chainguard", r"cgr\.dev", True),
        ("ecr", r"(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com", False),
    )
)


def resolve_upstream(call: Call, params: Json) -> Upstream:
    """Return the upstream of the URL, or raise ECR's error for an unsupported one."""
    url = params["upstreamRegistryUrl"]
    for upstream in _UPSTREAMS:
        match = upstream.url.fullmatch(url)
        if match is not None:
            _check_upstream(call, upstream, match, params)
            return upstream
    raise _unsupported(
        f"The upstream registry URL {url} is invalid. Specify a valid upstream registry URL and try again."
    )


def check_credentials(call: Call, params: Json) -> None:
    """Raise ECR's error for an unreadable secret or a role of another account."""
    arn = params.get("credentialArn")
    if arn is not None:
        secret = _read_secret(call, arn)
        if secret.kms_key_id not in _CUSTOM_KEY_FREE:
            raise AwsError(
                "UnableToDecryptSecretValueException",
                "The secret is accessible but is unable to be decrypted. "
                "Verify the resource permissions and try again.",
            )
    role = params.get("customRoleArn")
    if role:
        check_custom_role(call, role, "pullthroughcache.ecr.amazonaws.com")


def check_custom_role(call: Call, role_arn: str, principal: str) -> None:
    """Raise unless the role is one of the caller's account and may be passed to ECR."""
    if not re.fullmatch(rf"arn:{call.partition}:iam::{call.identity.account}:role/.+", role_arn):
        raise invalid_parameter("customRoleArn", "Custom role must be an IAM role of the account of the registry")
    call.authorize("iam:PassRole", role_arn, {"iam:PassedToService": principal})


def validation_failure(call: Call, rule: Json) -> str | None:
    """Return why the rule cannot reach its upstream with its credentials, or None."""
    arn = rule.get("credentialArn")
    if arn is None:
        return None
    try:
        secret = _read_secret(call, arn)
    except AwsError as error:
        return error.message
    try:
        content = json.loads(secret.value)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not {"username", "accessToken"} <= content.keys():
        return "The secret must be a JSON object with the keys username and accessToken."
    return None


def _check_upstream(call: Call, upstream: Upstream, match: re.Match[str], params: Json) -> None:
    is_ecr, secret, role = upstream.name == "ecr", params.get("credentialArn"), params.get("customRoleArn")
    if is_ecr and match.groups()[:2] == (call.identity.account, call.region):
        raise _unsupported("Upstream registry URL cannot be the same as the cache registry.")
    # ECR compares the two only if it logs in with a secret.
    if upstream.needs_secret and params.get("upstreamRegistry", upstream.name) != upstream.name:
        raise _unsupported("Upstream registry URL and entered upstream registry do not match.")
    if upstream.needs_secret and secret is None:
        raise _unsupported(
            "The specified upstream registry requires authentication. "
            "Specify a valid Secrets Manager ARN containing the upstream registry credentials and try again."
        )
    if is_ecr and match[1] != call.identity.account and not role:
        raise _unsupported(
            "The specified upstream registry requires authentication. Specify a valid IAM role ARN and try again."
        )
    if not is_ecr and not upstream.needs_secret and secret is not None:
        raise _unsupported("The specified upstream registry doesn't require authentication.")
    if (is_ecr and secret is not None) or (not is_ecr and role):
        raise _unsupported("Upstream registry URL and provided credential type do not match.")


def _unsupported(message: str) -> AwsError:
    return AwsError("UnsupportedUpstreamRegistryException", message)


def _read_secret(call: Call, arn: str) -> Secret:
    region, account = arn.split(":")[3:5]
    if account != call.identity.account:
        raise AwsError(
            "UnableToAccessSecretException",
            "The secret is unable to be accessed. Verify the resource permissions for the secret and try again.",
        )
    call.authorize("secretsmanager:GetSecretValue", arn)
    secret = find_secret(call.world, account, call.region, arn) if region == call.region else None
    if secret is None:
        raise AwsError(
            "SecretNotFoundException",
            "The ARN of the secret specified in the pull through cache rule was not found. "
            "Update the pull through cache rule with a valid secret ARN and try again.",
        )
    return secret
