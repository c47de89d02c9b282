"""The few Secrets Manager operations that pull-through cache credentials need."""

from __future__ import annotations

from ecrkeeper_sim.calls import Call, handles
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.partitions import partition_of
from ecrkeeper_sim.state import Json, Secret, World


def add_secret(world: World, account: str, region: str, name: str, value: str, options: Json) -> Secret:
    """Store a secret; `options` may fix its ARN and name its KMS key."""
    default_arn = f"arn:{partition_of(region)}:secretsmanager:{region}:{account}:secret:{name}-{world.identifier(6)}"
    secret = Secret(
        name=name,
        arn=options.get("arn") or default_arn,
        value=value,
        version_id=world.uuid(),
        created=world.clock.now(),
        description=options.get("description"),
        kms_key_id=options.get("kms_key_id"),
    )
    world.account(account).secrets.setdefault(region, {})[name] = secret
    return secret


def find_secret(world: World, account: str, region: str, secret_id: str) -> Secret | None:
    """Return the secret of that name or ARN, with or without the ARN's random suffix."""
    secrets = world.account(account).secrets.get(region, {})
    for secret in secrets.values():
        if secret_id in (secret.name, secret.arn, secret.arn[:-7]):
            return secret
    return None


@handles("secretsmanager", "CreateSecret")
def create_secret(call: Call, params: Json) -> Json:
    """Create a secret in the Region."""
    name = params["Name"]
    if name in call.account.secrets.get(call.region, {}):
        raise AwsError("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
    options = {"kms_key_id": params.get("KmsKeyId"), "description": params.get("Description")}
    value = params.get("SecretString", "")
    secret = add_secret(call.world, call.identity.account, call.region, name, value, options)
    return {"ARN": secret.arn, "Name": name, "VersionId": secret.version_id}


@handles("secretsmanager", "DescribeSecret")
def describe_secret(call: Call, params: Json) -> Json:
    """Return what is known of a secret but its value."""
    secret = _existing(call, params)
    shown: Json = {
        "ARN": secret.arn,
        "Name": secret.name,
        "CreatedDate": secret.created,
        "LastChangedDate": secret.created,
        "VersionIdsToStages": {secret.version_id: ["AWSCURRENT"]},
    }
    if secret.description:
        shown["Description"] = secret.description
    if secret.kms_key_id:
        shown["KmsKeyId"] = secret.kms_key_id
    return shown


@handles("secretsmanager", "GetSecretValue")
def get_secret_value(call: Call, params: Json) -> Json:
    """Return the value of a secret."""
    secret = _existing(call, params)
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": secret.version_id,
        "SecretString": secret.value,
        "VersionStages": ["AWSCURRENT"],
        "CreatedDate": secret.created,
    }


@handles("secretsmanager", "DeleteSecret")
def delete_secret(call: Call, params: Json) -> Json:
    """Delete a secret at once; a recovery window is accepted and not simulated."""
    secret = _existing(call, params)
    del call.account.secrets[call.region][secret.name]
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": call.now()}


def _existing(call: Call, params: Json) -> Secret:
    secret = find_secret(call.world, call.identity.account, call.region, params["SecretId"])
    if secret is None:
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
    return secret
