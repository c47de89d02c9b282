"""Calls, and AWS's answers to them."""

from __future__ import annotations

from tests.cases.rows import ACCOUNT, OTHER, AwsAccepts, AwsRejects, text

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
    AwsRejects(
        id="repl-to-self-rejected",
        evidence="emulator-test",
        source="getmoto/moto tests/test_ecr/test_ecr.py (message)",
        reason="a registry does not replicate to itself; account and Region are known, so AWS need not be asked",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [{"destinations": [{"region": "us-east-1", "registryId": "111111111111"}]}]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Replication destination cannot be the same as the source registry'",
        of_model=False,
    ),
    AwsRejects(
        id="repl-26-unique-destinations-rejected",
        evidence="docs",
        source="aws/containers-roadmap#2232; ECR quotas page",
        reason="25 unique destinations across all rules, although the model allows more",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [{"destinations": [{"region": region, "registryId": OTHER}]} for region in REGIONS[:24]]
                + [{"destinations": [{"region": region, "registryId": OTHER} for region in REGIONS[24:]]}]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'replicationConfiguration' failed to satisfy constraint: 'Replication configuration cannot have more than 25 unique destinations across all rules'",
        of_model=False,
    ),
    AwsRejects(
        id="repl-filter-1-char-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model RepositoryFilterValue min 2",
        reason="a filter has 2 characters at least",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "a", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'replicationConfiguration.rules[0].repositoryFilters[0].filter' failed to satisfy constraint: 'must have length greater than or equal to 2'",
        of_model=True,
    ),
    AwsRejects(
        id="repl-filter-type-wildcard-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="Scanning uses WILDCARD, signing WILDCARD_MATCH, replication PREFIX_MATCH: three different enums, easily mixed.",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "a-prefix", "filterType": "WILDCARD"}],
                    }
                ]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'replicationConfiguration.rules[0].repositoryFilters[0].filterType' failed to satisfy constraint: 'must satisfy enum value set: [PREFIX_MATCH]'",
        of_model=True,
    ),
    AwsRejects(
        id="repl-registry-id-11-digits-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="an account id has 12 digits",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [{"destinations": [{"region": "us-west-2", "registryId": "12345678901"}]}]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'replicationConfiguration.rules[0].destinations[0].registryId' failed to satisfy constraint: 'must satisfy regular expression pattern: [0-9]{12}'",
        of_model=True,
    ),
    AwsRejects(
        id="backfill-already-in-progress",
        evidence="api-model",
        source="ECR API StartReplicationBackfill",
        reason="one backfill to a destination at a time",
        call="StartReplicationBackfill",
        params={"destination": {"region": "us-west-2", "registryId": "111111111111"}},
        existing={
            "replicationConfiguration": {
                "rules": [{"destinations": [{"region": "us-west-2", "registryId": "111111111111"}]}]
            },
            "backfills": [{"destination": {"region": "us-west-2", "registryId": "111111111111"}}],
        },
        code="ReplicationBackfillInProgressException",
        message="A replication backfill to the destination registry 111111111111 in us-west-2 is already in progress",
        of_model=False,
    ),
    AwsRejects(
        id="backfill-limit-10",
        evidence="docs",
        source="ECR API StartReplicationBackfill",
        reason="ten backfills at a time",
        call="StartReplicationBackfill",
        params={"destination": {"region": "us-west-2", "registryId": "111111111111"}},
        existing={
            "replicationConfiguration": {
                "rules": [{"destinations": [{"region": "us-west-2", "registryId": "111111111111"}]}]
            },
            "backfills": [{"destination": {"region": "eu-west-1", "registryId": "111111111111"}}] * 10,
        },
        code="LimitExceededException",
        message="The maximum number of concurrent replication backfills was reached",
        of_model=False,
    ),
    AwsRejects(
        id="policy-too-long",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model RegistryPolicyText max 10240",
        reason="a policy has 10240 characters at most; all owners share them, so it is a quota",
        call="PutRegistryPolicy",
        params={
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
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'policyText' failed to satisfy constraint: 'must have length less than or equal to 10240'",
        of_model=True,
    ),
    AwsRejects(
        id="policy-v2-action-under-v1",
        evidence="emulator-test",
        source="getmoto/moto tests/test_ecr/test_ecr.py (message); terraform-provider-aws#40933, #40828",
        reason="the scope V1 knows the actions of replication only",
        call="PutRegistryPolicy",
        params={
            "policyText": text(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "testpolicy",
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                            "Action": ["ecr:BatchGetImage"],
                            "Resource": ["arn:aws:ecr:us-east-1:111111111111:repository/*"],
                        }
                    ],
                }
            )
        },
        existing={"scope": "V1"},
        code="InvalidParameterException",
        message="Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
        of_model=False,
    ),
    AwsRejects(
        id="policy-empty-statement",
        evidence="design",
        source="pulumi-aws#2326 class",
        reason="Use delete to remove the policy.",
        call="PutRegistryPolicy",
        params={"policyText": text({"Version": "2012-10-17", "Statement": []})},
        code="InvalidParameterException",
        message="Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
        of_model=False,
    ),
    AwsRejects(
        id="scan-101-filters-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a rule takes 100 filters",
        call="PutRegistryScanningConfiguration",
        params={
            "scanType": "BASIC",
            "rules": [
                {
                    "scanFrequency": "SCAN_ON_PUSH",
                    "repositoryFilters": [{"filter": f"p{n}", "filterType": "WILDCARD"} for n in range(101)],
                }
            ],
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'rules[0].repositoryFilters' failed to satisfy constraint: 'must have length less than or equal to 100'",
        of_model=True,
    ),
    AwsRejects(
        id="scan-unknown-type-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="there are BASIC and ENHANCED",
        call="PutRegistryScanningConfiguration",
        params={"scanType": "DEEP", "rules": []},
        code="InvalidParameterException",
        message="Invalid parameter at 'scanType' failed to satisfy constraint: 'must satisfy enum value set: [BASIC, ENHANCED]'",
        of_model=True,
    ),
    AwsRejects(
        id="ptc-update-neither",
        evidence="issue",
        source="pulumi/pulumi-aws#5714",
        reason="AWS has no call that takes a credential away",
        call="UpdatePullThroughCacheRule",
        params={"ecrRepositoryPrefix": "tf-test-dh"},
        existing={
            "pullThroughCacheRules": [
                {
                    "upstreamRegistryUrl": "222222222222.dkr.ecr.us-east-1.amazonaws.com",
                    "ecrRepositoryPrefix": "tf-test-dh",
                }
            ]
        },
        code="InvalidParameterException",
        message="Invalid input: Please set either credential arn or role arn to update the credentials",
        of_model=False,
    ),
    AwsRejects(
        id="ptc-secret-not-found",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model SecretNotFoundException",
        reason="AWS looks for the secret when the rule is created",
        call="CreatePullThroughCacheRule",
        params={
            "ecrRepositoryPrefix": "dh",
            "upstreamRegistryUrl": "registry-1.docker.io",
            "credentialArn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/docker-hub-AbCdEf",
        },
        code="SecretNotFoundException",
        message="The ARN of the secret specified in the pull through cache rule was not found. Update the pull through cache rule with a valid secret ARN and try again.",
        of_model=False,
    ),
    AwsRejects(
        id="ptc-bad-prefix-uppercase",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PullThroughCacheRuleRepositoryPrefix",
        reason="names of repositories are lower case",
        call="CreatePullThroughCacheRule",
        params={"ecrRepositoryPrefix": "MyPrefix", "upstreamRegistryUrl": "public.ecr.aws"},
        code="InvalidParameterException",
        message="Invalid parameter at 'ecrRepositoryPrefix' failed to satisfy constraint: 'must satisfy regular expression pattern: ^([a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*\\/?|ROOT)$'",
        of_model=True,
    ),
    AwsRejects(
        id="ptc-bad-prefix-31-chars",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PullThroughCacheRuleRepositoryPrefix",
        reason="a prefix has 30 characters at most",
        call="CreatePullThroughCacheRule",
        params={"ecrRepositoryPrefix": "a" * 31, "upstreamRegistryUrl": "public.ecr.aws"},
        code="InvalidParameterException",
        message="Invalid parameter at 'ecrRepositoryPrefix' failed to satisfy constraint: 'must have length less than or equal to 30'",
        of_model=True,
    ),
    AwsRejects(
        id="ptc-delete-absent",
        evidence="api-model",
        source="ECR API DeletePullThroughCacheRule",
        reason="a rule that is gone already is deleted",
        call="DeletePullThroughCacheRule",
        params={"ecrRepositoryPrefix": "ghost"},
        code="PullThroughCacheRuleNotFoundException",
        message="The pull through cache rule with prefix 'ghost' does not exist in the registry with id '111111111111'",
        of_model=False,
    ),
    AwsRejects(
        id="tpl-duplicate",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::failWhenAlreadyExists",
        reason="AWS has one template for a prefix",
        call="CreateRepositoryCreationTemplate",
        params={"prefix": "tf-test-abcd1234", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]},
        existing={"templates": [{"prefix": "tf-test-abcd1234", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]}]},
        code="TemplateAlreadyExistsException",
        message="The repository creation template with prefix 'tf-test-abcd1234' already exists in the registry with id '111111111111'",
        of_model=False,
    ),
    AwsRejects(
        id="tpl-exclusion-without-mode-rejected",
        evidence="docs",
        source="ECR API ImageTagMutabilityExclusionFilter docs",
        reason="filters go with a mutability that excludes",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "imageTagMutability": "MUTABLE",
            "imageTagMutabilityExclusionFilters": [{"filterType": "WILDCARD", "filter": "latest*"}],
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'ImageTagMutabilityExclusionFilters are not allowed when imageTagMutability is set to MUTABLE'",
        of_model=False,
    ),
    AwsRejects(
        id="tpl-6-exclusions-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a template takes 5 filters",
        call="CreateRepositoryCreationTemplate",
        params={
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
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'must have length less than or equal to 5'",
        of_model=True,
    ),
    AwsRejects(
        id="tpl-kms-alias-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="an alias is no key",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "encryptionConfiguration": {
                "encryptionType": "KMS",
                "kmsKey": "arn:aws:kms:us-east-1:111111111111:alias/ecr",
            },
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'encryptionConfiguration.kmsKey' failed to satisfy constraint: 'must satisfy regular expression pattern: ^$|arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key\\/[a-z0-9-]+'",
        of_model=True,
    ),
    AwsRejects(
        id="tpl-prefix-257-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a prefix has 256 characters at most",
        call="CreateRepositoryCreationTemplate",
        params={"prefix": "a" * 257, "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]},
        code="InvalidParameterException",
        message="Invalid parameter at 'prefix' failed to satisfy constraint: 'must have length less than or equal to 256'",
        of_model=True,
    ),
    AwsRejects(
        id="tpl-prefix-underscore-triple-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="two underscores may stand together, three may not",
        call="CreateRepositoryCreationTemplate",
        params={"prefix": "a___b", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]},
        code="InvalidParameterException",
        message="Invalid parameter at 'prefix' failed to satisfy constraint: 'must satisfy regular expression pattern: ^([a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(\\/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*\\/?|ROOT)$'",
        of_model=True,
    ),
    AwsRejects(
        id="tpl-lifecycle-bad-json",
        evidence="docs",
        source="TF StringIsJSON; ACK e2e invalid lifecycle policy",
        reason="a document is JSON",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "lifecyclePolicy": '{"rules": [ oops',
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'LifecyclePolicyText' failed to satisfy constraint: 'Lifecycle policy parsing failure: Could not map policyString into LifecyclePolicy.'",
        of_model=False,
    ),
    AwsRejects(
        id="excl-bad-group",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PrincipalArn",
        reason="a group is no principal",
        call="RegisterPullTimeUpdateExclusion",
        params={"principalArn": "arn:aws:iam::111111111111:group/dev"},
        code="InvalidParameterException",
        message="Invalid parameter at 'principalArn' failed to satisfy constraint: 'must satisfy regular expression pattern: ^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\\w+=,.@-]+(/[\\w+=,.@-]+)*$'",
        of_model=True,
    ),
    AwsRejects(
        id="excl-bad-root",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model PrincipalArn",
        reason="roles and users are excluded, accounts are not",
        call="RegisterPullTimeUpdateExclusion",
        params={"principalArn": "arn:aws:iam::111111111111:root"},
        code="InvalidParameterException",
        message="Invalid parameter at 'principalArn' failed to satisfy constraint: 'must satisfy regular expression pattern: ^arn:aws(-[a-z]+)*:iam::[0-9]{12}:(role|user)/[\\w+=,.@-]+(/[\\w+=,.@-]+)*$'",
        of_model=True,
    ),
    AwsRejects(
        id="sign-11-rules-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model SigningRuleList max 10 (CloudFormation schema says 50)",
        reason="a configuration has 10 rules; all owners share them, so it is a quota",
        call="PutSigningConfiguration",
        params={
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/profile_{n}",
                        "repositoryFilters": [{"filter": f"t{n}/*", "filterType": "WILDCARD_MATCH"}],
                    }
                    for n in range(11)
                ]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'signingConfiguration.rules' failed to satisfy constraint: 'must have length less than or equal to 10'",
        of_model=True,
    ),
    AwsRejects(
        id="sign-filter-type-mixup-rejected",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="scanning says WILDCARD, signing WILDCARD_MATCH",
        call="PutSigningConfiguration",
        params={
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD"}],
                    }
                ]
            }
        },
        code="InvalidParameterException",
        message="Invalid parameter at 'signingConfiguration.rules[0].repositoryFilters[0].filterType' failed to satisfy constraint: 'must satisfy enum value set: [WILDCARD_MATCH]'",
        of_model=True,
    ),
    AwsRejects(
        id="slr-description-1001-rejected",
        evidence="api-model",
        source="IAM API roleDescriptionType max 1000",
        reason="a description has 1000 characters at most",
        call="iam:CreateServiceLinkedRole",
        params={"AWSServiceName": "replication.ecr.amazonaws.com", "Description": "d" * 1001},
        code="ValidationError",
        message="1 validation error detected: Value 'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd...' at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000",
        of_model=True,
    ),
]

ACCEPTED = [
    AwsAccepts(
        id="repl-default-empty",
        evidence="emulator-test",
        source="getmoto/moto tests/test_ecr/test_ecr.py; ECR API DescribeRegistry",
        reason='A registry always exists: "no replication" is an empty rule list, never NotFound.',
        call="DescribeRegistry",
        params={},
        read="describe_registry",
        answer={"registryId": "111111111111", "replicationConfiguration": {"rules": []}},
    ),
    AwsAccepts(
        id="repl-filter-two",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/replication_configuration_test.go::repositoryFilter step 3",
        reason="the order of filters stays",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [
                            {"filter": "a-prefix", "filterType": "PREFIX_MATCH"},
                            {"filter": "a-second-prefix", "filterType": "PREFIX_MATCH"},
                        ],
                    }
                ]
            }
        },
        existing={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "a-prefix", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
        read="describe_registry",
        answer={
            "registryId": "111111111111",
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [
                            {"filter": "a-prefix", "filterType": "PREFIX_MATCH"},
                            {"filter": "a-second-prefix", "filterType": "PREFIX_MATCH"},
                        ],
                    }
                ]
            },
        },
    ),
    AwsAccepts(
        id="repl-filters-100-ok",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a rule takes 100 filters",
        call="PutReplicationConfiguration",
        params={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [
                            {"filter": f"p{n:03}-", "filterType": "PREFIX_MATCH"} for n in range(100)
                        ],
                    }
                ]
            }
        },
        read="describe_registry",
        answer={
            "registryId": "111111111111",
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [
                            {"filter": f"p{n:03}-", "filterType": "PREFIX_MATCH"} for n in range(100)
                        ],
                    }
                ]
            },
        },
    ),
    AwsAccepts(
        id="policy-v2-action-under-v2",
        evidence="issue",
        source="terraform-provider-aws#40933",
        reason="the scope V2 knows all actions of ECR",
        call="PutRegistryPolicy",
        params={
            "policyText": text(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "testpolicy",
                            "Effect": "Allow",
                            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                            "Action": ["ecr:BatchGetImage"],
                            "Resource": ["arn:aws:ecr:us-east-1:111111111111:repository/*"],
                        }
                    ],
                }
            )
        },
        existing={"scope": "V2"},
        read="get_registry_policy",
        answer={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "testpolicy",
                    "Effect": "Allow",
                    "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                    "Action": "ecr:BatchGetImage",
                    "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*",
                }
            ],
        },
    ),
    AwsAccepts(
        id="ptc-prefix-with-slash",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_through_cache_rule_test.go::repositoryPrefixWithSlash",
        reason='30 chars: the longest legal prefix; a "/" in the id must survive resource names and URLs.',
        call="CreatePullThroughCacheRule",
        params={"ecrRepositoryPrefix": "tf-test/abcdefghij0123456789ab", "upstreamRegistryUrl": "public.ecr.aws"},
        read="describe_pull_through_cache_rules",
        answer={
            "ecrRepositoryPrefix": "tf-test/abcdefghij0123456789ab",
            "upstreamRegistryUrl": "public.ecr.aws",
            "registryId": "111111111111",
            "upstreamRegistry": "ecr-public",
        },
    ),
    AwsAccepts(
        id="ptc-update-custom-role",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_through_cache_rule_test.go::privateRepositoryCrossAccount update",
        reason="the role of a rule changes in place",
        call="UpdatePullThroughCacheRule",
        params={
            "ecrRepositoryPrefix": "tf-test-abcd1234",
            "customRoleArn": "arn:aws:iam::111111111111:role/ptc-pull-2",
        },
        existing={
            "pullThroughCacheRules": [
                {
                    "upstreamRegistryUrl": "222222222222.dkr.ecr.us-east-1.amazonaws.com",
                    "ecrRepositoryPrefix": "tf-test-abcd1234",
                }
            ]
        },
        read="describe_pull_through_cache_rules",
        answer={
            "ecrRepositoryPrefix": "tf-test-abcd1234",
            "upstreamRegistryUrl": "222222222222.dkr.ecr.us-east-1.amazonaws.com",
            "registryId": "111111111111",
            "customRoleArn": "arn:aws:iam::111111111111:role/ptc-pull-2",
        },
    ),
    AwsAccepts(
        id="tpl-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::basic",
        reason="Defaults AES256 and MUTABLE are filled by AWS: no drift from leaving them unset.",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "resourceTags": [{"Key": "Foo", "Value": "Bar"}],
        },
        read="describe_repository_creation_templates",
        answer={
            "prefix": "tf-test-abcd1234",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "resourceTags": [{"Key": "Foo", "Value": "Bar"}],
            "imageTagMutability": "MUTABLE",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
        },
    ),
    AwsAccepts(
        id="tpl-three-applied-for",
        evidence="peer-test",
        source="terraform-provider-aws#45701 (newer basic test)",
        reason="a template may apply for all three",
        call="CreateRepositoryCreationTemplate",
        params={"prefix": "tf-test-abcd1234", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION", "CREATE_ON_PUSH"]},
        read="describe_repository_creation_templates",
        answer={
            "prefix": "tf-test-abcd1234",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageTagMutability": "MUTABLE",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION", "CREATE_ON_PUSH"],
        },
    ),
    AwsAccepts(
        id="tpl-repository-policy",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::repository step 1",
        reason="a template carries the policy of its repositories",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["REPLICATION"],
            "repositoryPolicy": text(
                {
                    "Version": "2008-10-17",
                    "Statement": [
                        {"Sid": "tf-test-abcd1234", "Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}
                    ],
                }
            ),
        },
        read="describe_repository_creation_templates",
        answer={
            "prefix": "tf-test-abcd1234",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageTagMutability": "MUTABLE",
            "repositoryPolicy": {
                "Version": "2008-10-17",
                "Statement": [
                    {"Sid": "tf-test-abcd1234", "Effect": "Allow", "Principal": "*", "Action": "ecr:ListImages"}
                ],
            },
            "appliedFor": ["REPLICATION"],
        },
    ),
    AwsAccepts(
        id="tpl-mutability-exclusion",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::mutabilityWithExclusion step 1",
        reason="filters go with MUTABLE_WITH_EXCLUSION",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
            "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filterType": "WILDCARD", "filter": "latest*"},
                {"filterType": "WILDCARD", "filter": "prod-*"},
            ],
        },
        read="describe_repository_creation_templates",
        answer={
            "prefix": "tf-test-abcd1234",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
            "imageTagMutabilityExclusionFilters": [
                {"filterType": "WILDCARD", "filter": "latest*"},
                {"filterType": "WILDCARD", "filter": "prod-*"},
            ],
            "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
        },
    ),
    AwsAccepts(
        id="tpl-kms-arn-ok",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a key is named by its ARN",
        call="CreateRepositoryCreationTemplate",
        params={
            "prefix": "tf-test-abcd1234",
            "appliedFor": ["CREATE_ON_PUSH"],
            "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
            "encryptionConfiguration": {
                "encryptionType": "KMS",
                "kmsKey": "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555",
            },
        },
        read="describe_repository_creation_templates",
        answer={
            "prefix": "tf-test-abcd1234",
            "encryptionConfiguration": {
                "encryptionType": "KMS",
                "kmsKey": "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555",
            },
            "imageTagMutability": "MUTABLE",
            "appliedFor": ["CREATE_ON_PUSH"],
            "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
        },
    ),
    AwsAccepts(
        id="tpl-ack-description-update",
        evidence="peer-test",
        source="aws-controllers-k8s/ecr-controller test/e2e/tests/test_repository_creation_template.py",
        reason="Update is a merge: fields left out stay.",
        call="UpdateRepositoryCreationTemplate",
        params={"prefix": "ack-test", "description": "Updated description for testing"},
        existing={"templates": [{"prefix": "ack-test", "appliedFor": ["REPLICATION"]}]},
        read="describe_repository_creation_templates",
        answer={
            "prefix": "ack-test",
            "description": "Updated description for testing",
            "encryptionConfiguration": {"encryptionType": "AES256"},
            "imageTagMutability": "MUTABLE",
            "appliedFor": ["REPLICATION"],
        },
    ),
    AwsAccepts(
        id="excl-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_time_update_exclusion_test.go::basic",
        reason="a role may pull without a new pull time",
        call="RegisterPullTimeUpdateExclusion",
        params={"principalArn": "arn:aws:iam::111111111111:role/scanner"},
        read="list_pull_time_update_exclusions",
        answer={"pullTimeUpdateExclusions": ["arn:aws:iam::111111111111:role/scanner"]},
    ),
    AwsAccepts(
        id="sign-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws PR #47527 signing_configuration_test.go::basic",
        reason="a profile signs the repositories that its filters name",
        call="PutSigningConfiguration",
        params={
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            }
        },
        read="get_signing_configuration",
        answer={
            "registryId": "111111111111",
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            },
        },
    ),
    AwsAccepts(
        id="sign-update-two-rules",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws PR #47527 signing_configuration_test.go::update",
        reason="a second rule leaves the first",
        call="PutSigningConfiguration",
        params={
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    },
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_b",
                        "repositoryFilters": [{"filter": "team-b/prod", "filterType": "WILDCARD_MATCH"}],
                    },
                ]
            }
        },
        existing={
            "signing": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            }
        },
        read="get_signing_configuration",
        answer={
            "registryId": "111111111111",
            "signingConfiguration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    },
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_b",
                        "repositoryFilters": [{"filter": "team-b/prod", "filterType": "WILDCARD_MATCH"}],
                    },
                ]
            },
        },
    ),
    AwsAccepts(
        id="slr-create-replication",
        evidence="aws-snapshot",
        source="localstack/localstack tests/aws/services/iam/test_iam.snapshot.json (AWS-validated)",
        reason="IAM names the role and attaches its policy",
        call="iam:CreateServiceLinkedRole",
        params={"AWSServiceName": "replication.ecr.amazonaws.com"},
        read="get_role",
        answer={
            "Path": "/aws-service-role/replication.ecr.amazonaws.com/",
            "RoleName": "AWSServiceRoleForECRReplication",
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
            "MaxSessionDuration": 3600,
            "AttachedPolicies": ["ECRReplicationServiceRolePolicy"],
            "AssumeRolePrincipal": {"Service": "replication.ecr.amazonaws.com"},
        },
    ),
    AwsAccepts(
        id="slr-create-pullthroughcache",
        evidence="aws-snapshot",
        source="localstack/localstack tests/aws/services/iam/test_iam.snapshot.json (AWS-validated)",
        reason="IAM names the role and attaches its policy",
        call="iam:CreateServiceLinkedRole",
        params={"AWSServiceName": "pullthroughcache.ecr.amazonaws.com"},
        read="get_role",
        answer={
            "Path": "/aws-service-role/pullthroughcache.ecr.amazonaws.com/",
            "RoleName": "AWSServiceRoleForECRPullThroughCache",
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache",
            "MaxSessionDuration": 3600,
            "AttachedPolicies": ["AWSECRPullThroughCache_ServiceRolePolicy"],
            "AssumeRolePrincipal": {"Service": "pullthroughcache.ecr.amazonaws.com"},
        },
    ),
    AwsAccepts(
        id="slr-create-template",
        evidence="aws-snapshot",
        source="localstack/localstack tests/aws/services/iam/test_iam.snapshot.json (AWS-validated)",
        reason="the service is ecr.amazonaws.com, not template.ecr.amazonaws.com",
        call="iam:CreateServiceLinkedRole",
        params={"AWSServiceName": "ecr.amazonaws.com"},
        read="get_role",
        answer={
            "Path": "/aws-service-role/ecr.amazonaws.com/",
            "RoleName": "AWSServiceRoleForECRTemplate",
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/ecr.amazonaws.com/AWSServiceRoleForECRTemplate",
            "MaxSessionDuration": 3600,
            "AttachedPolicies": ["ECRTemplateServiceRolePolicy"],
            "AssumeRolePrincipal": {"Service": "ecr.amazonaws.com"},
        },
    ),
    AwsAccepts(
        id="slr-description-create",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/iam/service_linked_role_test.go::description",
        reason="the description is given with the creation",
        call="iam:CreateServiceLinkedRole",
        params={"AWSServiceName": "replication.ecr.amazonaws.com", "Description": "description1"},
        read="get_role",
        answer={
            "Path": "/aws-service-role/replication.ecr.amazonaws.com/",
            "RoleName": "AWSServiceRoleForECRReplication",
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
            "Description": "description1",
            "MaxSessionDuration": 3600,
            "AttachedPolicies": ["ECRReplicationServiceRolePolicy"],
            "AssumeRolePrincipal": {"Service": "replication.ecr.amazonaws.com"},
        },
    ),
    AwsAccepts(
        id="slr-tags",
        evidence="peer-code",
        source="hashicorp/terraform-provider-aws internal/service/iam/service_linked_role.go (tags after create); IAM API TagRole",
        reason="tags come after the creation",
        call="iam:TagRole",
        params={"RoleName": "AWSServiceRoleForECRReplication", "Tags": [{"Key": "owner", "Value": "platform"}]},
        read="get_role",
        answer={
            "Path": "/aws-service-role/replication.ecr.amazonaws.com/",
            "RoleName": "AWSServiceRoleForECRReplication",
            "Arn": "arn:aws:iam::111111111111:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication",
            "MaxSessionDuration": 3600,
            "Tags": [{"Key": "owner", "Value": "platform"}],
            "AttachedPolicies": ["ECRReplicationServiceRolePolicy"],
            "AssumeRolePrincipal": {"Service": "replication.ecr.amazonaws.com"},
        },
    ),
]
