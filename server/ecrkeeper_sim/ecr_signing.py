"""ECR managed signing configuration."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError, invalid_parameter
from ecrkeeper_sim.state import Json


@handles("ecr", "GetSigningConfiguration")
def get_signing_configuration(call: Call, params: Json) -> Json:
    """Return the signing configuration."""
    return {"registryId": call.identity.account, "signingConfiguration": _existing(call)}


@handles("ecr", "PutSigningConfiguration")
def put_signing_configuration(call: Call, params: Json) -> Json:
    """Replace the signing configuration."""
    configuration = params["signingConfiguration"]
    for rule in configuration["rules"]:
        region = rule["signingProfileArn"].split(":")[3]
        if region != call.region:
            raise invalid_parameter(
                "signingConfiguration",
                f"The region of signing profile ARN {rule['signingProfileArn']} is '{region}' but must be "
                f"'{call.region}' (the current region)",
            )
    call.registry.signing = configuration
    return {"signingConfiguration": configuration}


@handles("ecr", "DeleteSigningConfiguration")
def delete_signing_configuration(call: Call, params: Json) -> Json:
    """Remove the signing configuration and return what it was."""
    configuration = _existing(call)
    call.registry.signing = None
    return {"registryId": call.identity.account, "signingConfiguration": configuration}


def _existing(call: Call) -> Json:
    configuration = call.registry.signing
    if configuration is None:
        raise AwsError(
            "SigningConfigurationNotFoundException",
            f"Signing configuration does not exist in the registry with id '{call.identity.account}'",
        )
    return configuration
