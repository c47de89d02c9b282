"""Settings that ecrkeeper rejects."""

from __future__ import annotations

from tests.cases.rows import ACCOUNT, OTHER, Rejected, text

REGIONS = (
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "ap-south-1",
    "ap-south-2",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "ca-west-1",
    "sa-east-1",
    "me-south-1",
    "me-central-1",
    "af-south-1",
)
REJECTED = [
    Rejected(
        id="repl-to-self-rejected",
        evidence="emulator-test",
        source="getmoto/moto tests/test_ecr/test_ecr.py (message)",
        reason="a registry does not replicate to itself; account and Region are known, so AWS need not be asked",
        settings={
            "replication_configuration": {
                "rules": [{"destinations": [{"region": "us-east-1", "registryId": "111111111111"}]}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.replication_configuration.rules[0].destinations[0]",),
    ),
    Rejected(
        id="repl-26-unique-destinations-rejected",
        evidence="docs",
        source="aws/containers-roadmap#2232; ECR quotas page",
        reason="25 unique destinations across all rules, although the model allows more",
        settings={
            "replication_configuration": {
                "rules": [{"destinations": [{"region": region, "registryId": OTHER}]} for region in REGIONS[:24]]
                + [{"destinations": [{"region": region, "registryId": OTHER} for region in REGIONS[24:]]}]
            }
        },
        code="RESOURCE_EXHAUSTED",
        fields=("registry_settings.settings.replication_configuration",),
    ),
    Rejected(
        id="repl-filter-1-char-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model RepositoryFilterValue min 2",
        reason="a filter has 2 characters at least",
        settings={
            "replication_configuration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.replication_configuration.rules[0].repository_filters[0].filter",),
    ),
    Rejected(
        id="repl-filter-type-wildcard-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="Scanning uses WILDCARD, signing WILDCARD_MATCH, replication PREFIX_MATCH: three different enums, easily mixed.",
        settings={
            "replication_configuration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "a-prefix", "filterType": "WILDCARD"}],
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.replication_configuration.rules[0].repository_filters[0].filter_type",),
    ),
    Rejected(
        id="repl-registry-id-11-digits-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="an account id has 12 digits",
        settings={
            "replication_configuration": {
                "rules": [{"destinations": [{"region": "us-west-2", "registryId": "12345678901"}]}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.replication_configuration.rules[0].destinations[0].registry_id",),
    ),
    Rejected(
        id="policy-too-long",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model RegistryPolicyText max 10240",
        reason="a policy has 10240 characters at most; all owners share them, so it is a quota",
        settings={
            "registry_policy": {
                "policyText": text(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Sid": f"s{n}",
                                "Effect": "Allow",
                                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                                "Action": ["ecr:ReplicateImage"],
                                "Resource": [f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"],
                            }
                            for n in range(70)
                        ],
                    }
                )
            }
        },
        code="RESOURCE_EXHAUSTED",
        fields=("registry_settings.settings.registry_policy.policy_text",),
    ),
    Rejected(
        id="policy-empty-statement",
        evidence="design",
        source="pulumi-aws#2326 class",
        reason="Use delete to remove the policy.",
        settings={"registry_policy": {"policyText": text({"Version": "2012-10-17", "Statement": []})}},
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.registry_policy.policy_text.Statement",),
    ),
    Rejected(
        id="scan-101-filters-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a rule takes 100 filters",
        settings={
            "scanning_configuration": {
                "scanType": "BASIC",
                "rules": [
                    {
                        "scanFrequency": "SCAN_ON_PUSH",
                        "repositoryFilters": [{"filter": f"p{n}", "filterType": "WILDCARD"} for n in range(101)],
                    }
                ],
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.scanning_configuration.rules[0].repository_filters",),
    ),
    Rejected(
        id="scan-unknown-type-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="there are BASIC and ENHANCED",
        settings={"scanning_configuration": {"scanType": "DEEP", "rules": []}},
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.scanning_configuration.scan_type",),
    ),
    Rejected(
        id="ptc-bad-prefix-uppercase",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PullThroughCacheRuleRepositoryPrefix",
        reason="names of repositories are lower case",
        settings={
            "pull_through_cache_rules": {
                "rules": [{"ecrRepositoryPrefix": "MyPrefix", "upstreamRegistryUrl": "public.ecr.aws"}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.pull_through_cache_rules.rules[0].ecr_repository_prefix",),
    ),
    Rejected(
        id="ptc-bad-prefix-31-chars",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PullThroughCacheRuleRepositoryPrefix",
        reason="a prefix has 30 characters at most",
        settings={
            "pull_through_cache_rules": {
                "rules": [{"ecrRepositoryPrefix": "a" * 31, "upstreamRegistryUrl": "public.ecr.aws"}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.pull_through_cache_rules.rules[0].ecr_repository_prefix",),
    ),
    Rejected(
        id="tpl-exclusion-without-mode-rejected",
        evidence="docs",
        source="ECR API ImageTagMutabilityExclusionFilter docs",
        reason="filters go with a mutability that excludes",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "imageTagMutability": "MUTABLE",
                        "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest*"}],
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=(
            "registry_settings.settings.repository_creation_templates.templates[0].image_tag_mutability_exclusion_filters",
        ),
    ),
    Rejected(
        id="tpl-6-exclusions-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a template takes 5 filters",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                        "imageTagMutabilityExclusionFilters": [
                            {"filterType": "WILDCARD", "filter": "a*"},
                            {"filterType": "WILDCARD", "filter": "b*"},
                            {"filterType": "WILDCARD", "filter": "c*"},
                            {"filterType": "WILDCARD", "filter": "d*"},
                            {"filterType": "WILDCARD", "filter": "e*"},
                            {"filterType": "WILDCARD", "filter": "f*"},
                        ],
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=(
            "registry_settings.settings.repository_creation_templates.templates[0].image_tag_mutability_exclusion_filters",
        ),
    ),
    Rejected(
        id="tpl-kms-alias-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="an alias is no key",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "encryptionConfiguration": {
                            "encryptionType": "KMS",
                            "kmsKey": "arn:aws:kms:us-east-1:111111111111:alias/ecr",
                        },
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=(
            "registry_settings.settings.repository_creation_templates.templates[0].encryption_configuration.kms_key",
        ),
    ),
    Rejected(
        id="tpl-prefix-257-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a prefix has 256 characters at most",
        settings={
            "repository_creation_templates": {
                "templates": [{"prefix": "a" * 257, "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].prefix",),
    ),
    Rejected(
        id="tpl-prefix-underscore-triple-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="two underscores may stand together, three may not",
        settings={
            "repository_creation_templates": {
                "templates": [{"prefix": "a___b", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]}]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].prefix",),
    ),
    Rejected(
        id="tpl-lifecycle-bad-json",
        evidence="docs",
        source="TF StringIsJSON; ACK e2e invalid lifecycle policy",
        reason="a document is JSON",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "lifecyclePolicy": '{"rules": [ oops',
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].lifecycle_policy",),
    ),
    Rejected(
        id="excl-bad-group",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PrincipalArn",
        reason="a group is no principal",
        settings={"pull_time_update_exclusions": {"principalArns": ["arn:aws:iam::111111111111:group/dev"]}},
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.pull_time_update_exclusions.principal_arns[0]",),
    ),
    Rejected(
        id="excl-bad-root",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PrincipalArn",
        reason="roles and users are excluded, accounts are not",
        settings={"pull_time_update_exclusions": {"principalArns": ["arn:aws:iam::111111111111:root"]}},
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.pull_time_update_exclusions.principal_arns[0]",),
    ),
    Rejected(
        id="sign-11-rules-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model SigningRuleList max 10 (CloudFormation schema says 50)",
        reason="a configuration has 10 rules; all owners share them, so it is a quota",
        settings={
            "signing_configuration": {
                "rules": [
                    {
                        "signingProfileArn": f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/profile_{n}",
                        "repositoryFilters": [{"filter": f"t{n}/*", "filterType": "WILDCARD_MATCH"}],
                    }
                    for n in range(11)
                ]
            }
        },
        code="RESOURCE_EXHAUSTED",
        fields=("registry_settings.settings.signing_configuration.rules",),
    ),
    Rejected(
        id="sign-filter-type-mixup-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="scanning says WILDCARD, signing WILDCARD_MATCH",
        settings={
            "signing_configuration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD"}],
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.signing_configuration.rules[0].repository_filters[0].filter_type",),
    ),
]
