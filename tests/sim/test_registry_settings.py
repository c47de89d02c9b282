"""ECR registry settings: automatic roles, normalization, quotas and wording."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import ACCOUNT, Aws, rejection

TO_WEST = {"rules": [{"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}]}
SECRET_ARN = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ecr-pullthroughcache/hub-AbCdEf"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"AWS": ["222222222222"]},
            "Action": ["ecr:ReplicateImage"],
            "Resource": ["arn:aws:ecr:us-east-1:111111111111:repository/*"],
        }
    ],
}

LIFECYCLE = {
    "rules": [
        {
            "rulePriority": 1,
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10},
            "action": {"type": "expire"},
        }
    ]
}


def role_names(aws: Aws) -> list[str]:
    """Return the names of the roles that exist."""
    return [role["RoleName"] for role in aws.client("iam").list_roles()["Roles"]]


def test_new_registry_has_defaults(aws: Aws) -> None:
    ecr = aws.client("ecr")
    assert ecr.describe_registry()["replicationConfiguration"] == {"rules": []}
    assert ecr.get_registry_scanning_configuration()["scanningConfiguration"] == {"scanType": "BASIC", "rules": []}
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"] == []
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    assert ecr.list_pull_time_update_exclusions()["pullTimeUpdateExclusions"] == []
    assert ecr.list_replication_backfills()["backfills"] == []
    for name, value in (
        ("BASIC_SCAN_TYPE_VERSION", "AWS_NATIVE"),
        ("REGISTRY_POLICY_SCOPE", "V2"),
        ("BLOB_MOUNTING", "DISABLED"),
    ):
        assert ecr.get_account_setting(name=name)["value"] == value
    assert rejection(ecr.get_registry_policy) == (
        "RegistryPolicyNotFoundException",
        f"Registry policy does not exist in the registry with id '{ACCOUNT}'",
    )
    assert rejection(ecr.get_signing_configuration)[0] == "SigningConfigurationNotFoundException"


def test_setting_creates_its_role_once(aws: Aws) -> None:
    ecr = aws.client("ecr")
    ecr.put_replication_configuration(replicationConfiguration=TO_WEST)
    assert role_names(aws) == ["AWSServiceRoleForECRReplication"]
    ecr.put_replication_configuration(replicationConfiguration=TO_WEST)
    ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")
    ecr.create_repository_creation_template(prefix="ROOT", appliedFor=["REPLICATION"])
    ecr.put_registry_scanning_configuration(scanType="ENHANCED", rules=[])
    assert role_names(aws) == [
        "AWSServiceRoleForAmazonInspector2",
        "AWSServiceRoleForECRPullThroughCache",
        "AWSServiceRoleForECRReplication",
        "AWSServiceRoleForECRTemplate",
    ]


@pytest.mark.parametrize("creates", [True, False])
def test_empty_replication_put_creates_role_if_configured(aws: Aws, creates: bool) -> None:
    aws.settings(empty_replication_creates_role=creates)
    aws.client("ecr").put_replication_configuration(replicationConfiguration={"rules": []})
    assert bool(role_names(aws)) == creates


def test_replication_is_returned_unchanged(aws: Aws) -> None:
    rule = {
        "destinations": [{"region": "us-west-2", "registryId": ACCOUNT}],
        "repositoryFilters": [
            {"filter": "z-", "filterType": "PREFIX_MATCH"},
            {"filter": "a/", "filterType": "PREFIX_MATCH"},
        ],
        "deleteReplication": {"enabled": True},
    }
    ecr = aws.client("ecr")
    ecr.put_replication_configuration(replicationConfiguration={"rules": [rule]})
    assert ecr.describe_registry()["replicationConfiguration"]["rules"] == [rule]


@pytest.mark.parametrize("region", ["cn-north-1", "nowhere"])
def test_replication_stays_within_partition(aws: Aws, region: str) -> None:
    configuration = {"rules": [{"destinations": [{"region": region, "registryId": ACCOUNT}]}]}
    code, message = rejection(aws.client("ecr").put_replication_configuration, replicationConfiguration=configuration)
    assert code == "InvalidParameterException"
    assert region in message


def test_policy_is_returned_normalized(aws: Aws) -> None:
    ecr = aws.client("ecr")
    sent = json.dumps(POLICY)
    text = ecr.put_registry_policy(policyText=sent)["policyText"]
    assert text != sent
    statement = json.loads(text)["Statement"][0]
    assert statement["Principal"]["AWS"] == "arn:aws:iam::222222222222:root"
    assert statement["Action"] == "ecr:ReplicateImage"
    assert ecr.get_registry_policy()["policyText"] == text
    assert ecr.delete_registry_policy()["policyText"] == text
    assert rejection(ecr.delete_registry_policy)[0] == "RegistryPolicyNotFoundException"


@pytest.mark.parametrize(
    "text",
    [
        "{not json",
        "[]",
        '{"Version":"2012-10-17","Statement":[]}',
        '{"Version":"1999-01-01","Statement":[{}]}',
        json.dumps({**POLICY, "Statement": [{**POLICY["Statement"][0], "Action": "s3:GetObject"}]}),  # type: ignore[dict-item]
        json.dumps({**POLICY, "Statement": [{"Effect": "Allow", "Action": "ecr:*"}]}),
    ],
)
def test_invalid_policy_is_rejected_with_aws_wording(aws: Aws, text: str) -> None:
    assert rejection(aws.client("ecr").put_registry_policy, policyText=text) == (
        "InvalidParameterException",
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
    )


def test_unresolvable_principal_is_named(aws: Aws) -> None:
    aws.settings(unresolvable_principals=["222222222222"])
    _, message = rejection(aws.client("ecr").put_registry_policy, policyText=json.dumps(POLICY))
    assert message.endswith("'Principal not found'")


def test_old_registry_has_v1_and_cannot_return_to_it(aws: Aws) -> None:
    aws.seed(scope="V1")
    ecr = aws.client("ecr")
    assert ecr.get_account_setting(name="REGISTRY_POLICY_SCOPE")["value"] == "V1"
    ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V2")
    assert (
        rejection(ecr.put_account_setting, name="REGISTRY_POLICY_SCOPE", value="V1")[0] == "InvalidParameterException"
    )
    aws.settings(policy_scope_v1_writable=True)
    assert ecr.put_account_setting(name="REGISTRY_POLICY_SCOPE", value="V1")["value"] == "V1"
    assert rejection(ecr.get_account_setting, name="NO_SUCH")[0] == "InvalidParameterException"


def test_scan_frequency_must_match_scan_type(aws: Aws) -> None:
    ecr = aws.client("ecr")
    for scan_type, frequency in (("BASIC", "CONTINUOUS_SCAN"), ("ENHANCED", "MANUAL")):
        rule = {"scanFrequency": frequency, "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}
        code, _ = rejection(ecr.put_registry_scanning_configuration, scanType=scan_type, rules=[rule])
        assert code == "InvalidParameterException"


def test_organization_can_block_scanning(aws: Aws) -> None:
    aws.control("PUT", f"accounts/{ACCOUNT}", {"scanning_blocked_by_organization": True})
    code, _ = rejection(aws.client("ecr").put_registry_scanning_configuration, scanType="BASIC", rules=[])
    assert code == "BlockedByOrganizationPolicyException"


def create_rule(aws: Aws, prefix: str = "hub", **arguments: Any) -> Any:
    """Create a Docker Hub rule, whose secret the caller has seeded."""
    parameters = {"upstreamRegistryUrl": "registry-1.docker.io", "credentialArn": SECRET_ARN, **arguments}
    return aws.client("ecr").create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, **parameters)


def seed_secret(aws: Aws, value: str = '{"username":"u","accessToken":"t"}', **options: Any) -> None:
    """Put the Docker Hub secret into the Region."""
    aws.seed(secrets=[{"name": "ecr-pullthroughcache/hub", "arn": SECRET_ARN, "value": value, **options}])


def test_rule_derives_upstream_from_url(aws: Aws) -> None:
    seed_secret(aws)
    assert create_rule(aws)["upstreamRegistry"] == "docker-hub"
    ecr = aws.client("ecr")
    own = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
    rule = ecr.create_pull_through_cache_rule(ecrRepositoryPrefix="own/", upstreamRegistryUrl=own)
    assert (rule["upstreamRegistry"], rule["upstreamRepositoryPrefix"]) == ("ecr", "ROOT")
    assert rule["ecrRepositoryPrefix"] == "own"
    repeated = rejection(ecr.create_pull_through_cache_rule, ecrRepositoryPrefix="own", upstreamRegistryUrl=own)
    assert repeated[0] == "PullThroughCacheRuleAlreadyExistsException"


def test_upstreams_are_rejected_with_aws_wording(aws: Aws) -> None:
    create = aws.client("ecr").create_pull_through_cache_rule
    assert rejection(create, ecrRepositoryPrefix="ms", upstreamRegistryUrl="mcr.microsoft.com") == (
        "UnsupportedUpstreamRegistryException",
        "The upstream registry URL mcr.microsoft.com is invalid. Specify a valid upstream registry URL and try again.",
    )
    for url in ("registry-1.docker.io", "ghcr.io", "registry.gitlab.com", "x.azurecr.io", "cgr.dev"):
        code, message = rejection(create, ecrRepositoryPrefix="pp", upstreamRegistryUrl=url)
        assert code == "UnsupportedUpstreamRegistryException"
        assert message.startswith("The specified upstream registry requires authentication.")


def test_secret_must_be_readable_and_decryptable(aws: Aws) -> None:
    assert rejection(create_rule, aws=aws)[0] == "SecretNotFoundException"
    elsewhere = SECRET_ARN.replace(ACCOUNT, "222222222222")
    assert rejection(create_rule, aws=aws, credentialArn=elsewhere)[0] == "UnableToAccessSecretException"
    seed_secret(aws, kms_key_id="arn:aws:kms:us-east-1:111111111111:key/abc")
    assert rejection(create_rule, aws=aws)[0] == "UnableToDecryptSecretValueException"
    seed_secret(aws)
    west = SECRET_ARN.replace("us-east-1", "us-west-2")
    assert rejection(create_rule, aws=aws, credentialArn=west)[0] == "SecretNotFoundException"
    assert create_rule(aws)


def test_secret_created_by_api_can_be_used_by_rule(aws: Aws) -> None:
    secrets = aws.client("secretsmanager")
    secret = secrets.create_secret(Name="ecr-pullthroughcache/hub", SecretString="test")
    assert create_rule(aws, credentialArn=secret["ARN"])
    ecr = aws.client("ecr")
    answer = ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert answer["isValid"] is False
    assert "username" in answer["failure"]
    assert secrets.get_secret_value(SecretId=secret["Name"])["SecretString"] == "test"
    assert secrets.describe_secret(SecretId=secret["ARN"])["Name"] == secret["Name"]
    secrets.delete_secret(SecretId=secret["ARN"], ForceDeleteWithoutRecovery=True)
    assert "not found" in ecr.validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")["failure"]


def test_validation_succeeds_with_valid_secret(aws: Aws) -> None:
    seed_secret(aws)
    create_rule(aws)
    answer = aws.client("ecr").validate_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    assert answer["isValid"] is True
    assert "failure" not in answer


def test_cache_rule_update_requires_credentials(aws: Aws) -> None:
    seed_secret(aws)
    create_rule(aws)
    ecr = aws.client("ecr")
    assert rejection(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="hub") == (
        "InvalidParameterException",
        "Invalid input: Please set either credential arn or role arn to update the credentials",
    )
    role = f"arn:aws:iam::{ACCOUNT}:role/pull"
    assert ecr.update_pull_through_cache_rule(ecrRepositoryPrefix="hub", customRoleArn=role)["customRoleArn"] == role
    unmanaged = role.replace(ACCOUNT, "222222222222")
    code, _ = rejection(ecr.update_pull_through_cache_rule, ecrRepositoryPrefix="hub", customRoleArn=unmanaged)
    assert code == "InvalidParameterException"


def test_unknown_prefix_is_an_error_for_rules_only(aws: Aws) -> None:
    ecr = aws.client("ecr")
    code, _ = rejection(ecr.describe_pull_through_cache_rules, ecrRepositoryPrefixes=["ghost"])
    assert code == "PullThroughCacheRuleNotFoundException"
    assert ecr.describe_repository_creation_templates(prefixes=["ghost"])["repositoryCreationTemplates"] == []
    assert rejection(ecr.delete_repository_creation_template, prefix="ghost")[0] == "TemplateNotFoundException"


def test_other_registry_id_is_rejected(aws: Aws) -> None:
    code, _ = rejection(aws.client("ecr").describe_pull_through_cache_rules, registryId="222222222222")
    assert code == "InvalidParameterException"


def test_quotas_are_enforced(aws: Aws) -> None:
    aws.settings(cache_rule_quota=2, template_quota=1, exclusion_quota=1)
    ecr = aws.client("ecr")
    for prefix in ("aa", "bb"):
        ecr.create_pull_through_cache_rule(ecrRepositoryPrefix=prefix, upstreamRegistryUrl="quay.io")
    code, _ = rejection(ecr.create_pull_through_cache_rule, ecrRepositoryPrefix="cc", upstreamRegistryUrl="quay.io")
    assert code == "LimitExceededException"
    ecr.create_repository_creation_template(prefix="aa", appliedFor=["REPLICATION"])
    code, _ = rejection(ecr.create_repository_creation_template, prefix="bb", appliedFor=["REPLICATION"])
    assert code == "LimitExceededException"
    ecr.register_pull_time_update_exclusion(principalArn=f"arn:aws:iam::{ACCOUNT}:role/a")
    code, _ = rejection(ecr.register_pull_time_update_exclusion, principalArn=f"arn:aws:iam::{ACCOUNT}:role/b")
    assert code == "LimitExceededException"


def test_exclusions_are_a_set(aws: Aws) -> None:
    ecr, arn = aws.client("ecr"), f"arn:aws:iam::{ACCOUNT}:user/ci/robot"
    ecr.register_pull_time_update_exclusion(principalArn=arn)
    code, _ = rejection(ecr.register_pull_time_update_exclusion, principalArn=arn)
    assert code == "ExclusionAlreadyExistsException"
    ecr.deregister_pull_time_update_exclusion(principalArn=arn)
    assert rejection(ecr.deregister_pull_time_update_exclusion, principalArn=arn)[0] == "ExclusionNotFoundException"


def test_template_update_patches_except_mutability(aws: Aws) -> None:
    ecr = aws.client("ecr")
    lifecycle = json.dumps(LIFECYCLE, indent=4)
    ecr.create_repository_creation_template(
        prefix="team/",
        appliedFor=["REPLICATION"],
        description="first",
        imageTagMutability="IMMUTABLE",
        lifecyclePolicy=lifecycle,
        resourceTags=[{"Key": "k", "Value": "v"}],
    )
    updated = ecr.update_repository_creation_template(prefix="team", description="", resourceTags=[])
    template = updated["repositoryCreationTemplate"]
    assert template["imageTagMutability"] == "MUTABLE"
    assert template["appliedFor"] == ["REPLICATION"]
    assert json.loads(template["lifecyclePolicy"]) == LIFECYCLE
    assert template["lifecyclePolicy"] != lifecycle
    assert "description" not in template
    assert "resourceTags" not in template


def test_signing_profile_must_be_in_region(aws: Aws) -> None:
    arn = f"arn:aws:signer:eu-west-1:{ACCOUNT}:/signing-profiles/profile"
    put = aws.client("ecr").put_signing_configuration
    code, _ = rejection(put, signingConfiguration={"rules": [{"signingProfileArn": arn}]})
    assert code == "InvalidParameterException"
    assert aws.client("ecr", region="eu-west-1").put_signing_configuration(
        signingConfiguration={"rules": [{"signingProfileArn": arn}]}
    )


def test_pull_through_cache_is_unavailable_in_china(aws: Aws) -> None:
    create = aws.client("ecr", region="cn-north-1").create_pull_through_cache_rule
    assert rejection(create, ecrRepositoryPrefix="quay", upstreamRegistryUrl="quay.io")[0] == "ValidationException"
