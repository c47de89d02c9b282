"""Settings that change AWS, settings that do not, and drift."""

from __future__ import annotations

from tests.cases.rows import Applied, Drifted, Unchanged, text

APPLIED = [
    Applied(
        id="repl-filter-two",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/replication_configuration_test.go::repositoryFilter step 3",
        reason="the order of filters stays",
        settings={
            "replication_configuration": {
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
        state={
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
    ),
    Applied(
        id="repl-filters-100-ok",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a rule takes 100 filters",
        settings={
            "replication_configuration": {
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
        state={
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
    ),
    Applied(
        id="policy-v2-action-under-v2",
        evidence="issue",
        source="terraform-provider-aws#40933",
        reason="the scope V2 knows all actions of ECR",
        settings={
            "registry_policy": {
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
            }
        },
        existing={"scope": "V2"},
        state={
            "scope": "V2",
            "policyText": {
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
        },
    ),
    Applied(
        id="ptc-prefix-with-slash",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_through_cache_rule_test.go::repositoryPrefixWithSlash",
        reason='30 chars: the longest legal prefix; a "/" in the id must survive resource names and URLs.',
        settings={
            "pull_through_cache_rules": {
                "rules": [
                    {"ecrRepositoryPrefix": "tf-test/abcdefghij0123456789ab", "upstreamRegistryUrl": "public.ecr.aws"}
                ]
            }
        },
        state={
            "pullThroughCacheRules": [
                {
                    "ecrRepositoryPrefix": "tf-test/abcdefghij0123456789ab",
                    "upstreamRegistryUrl": "public.ecr.aws",
                    "upstreamRegistry": "ecr-public",
                    "registryId": "111111111111",
                }
            ]
        },
    ),
    Applied(
        id="tpl-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::basic",
        reason="Defaults AES256 and MUTABLE are filled by AWS: no drift from leaving them unset.",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "resourceTags": [{"Key": "Foo", "Value": "Bar"}],
                        "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
                    }
                ]
            }
        },
        state={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                    "encryptionConfiguration": {"encryptionType": "AES256"},
                    "imageTagMutability": "MUTABLE",
                    "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
                    "resourceTags": [{"Key": "Foo", "Value": "Bar"}],
                }
            ]
        },
    ),
    Applied(
        id="tpl-three-applied-for",
        evidence="peer-test",
        source="terraform-provider-aws#45701 (newer basic test)",
        reason="a template may apply for all three",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION", "CREATE_ON_PUSH"],
                    }
                ]
            }
        },
        state={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["CREATE_ON_PUSH", "PULL_THROUGH_CACHE", "REPLICATION"],
                    "encryptionConfiguration": {"encryptionType": "AES256"},
                    "imageTagMutability": "MUTABLE",
                }
            ]
        },
    ),
    Applied(
        id="tpl-repository-policy",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::repository step 1",
        reason="a template carries the policy of its repositories",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["REPLICATION"],
                        "repositoryPolicy": text(
                            {
                                "Version": "2008-10-17",
                                "Statement": [
                                    {
                                        "Sid": "tf-test-abcd1234",
                                        "Effect": "Allow",
                                        "Principal": "*",
                                        "Action": "ecr:ListImages",
                                    }
                                ],
                            }
                        ),
                    }
                ]
            }
        },
        state={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["REPLICATION"],
                    "encryptionConfiguration": {"encryptionType": "AES256"},
                    "imageTagMutability": "MUTABLE",
                    "repositoryPolicy": {
                        "Statement": [
                            {
                                "Action": ["ecr:ListImages"],
                                "Effect": "Allow",
                                "Principal": {"AWS": ["*"]},
                                "Sid": "tf-test-abcd1234",
                            }
                        ],
                        "Version": "2008-10-17",
                    },
                }
            ]
        },
    ),
    Applied(
        id="tpl-mutability-exclusion",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::mutabilityWithExclusion step 1",
        reason="filters go with MUTABLE_WITH_EXCLUSION",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                        "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                        "imageTagMutabilityExclusionFilters": [
                            {"filterType": "WILDCARD", "filter": "latest*"},
                            {"filterType": "WILDCARD", "filter": "prod-*"},
                        ],
                    }
                ]
            }
        },
        state={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"],
                    "encryptionConfiguration": {"encryptionType": "AES256"},
                    "imageTagMutability": "MUTABLE_WITH_EXCLUSION",
                    "imageTagMutabilityExclusionFilters": [
                        {"filter": "latest*", "filterType": "WILDCARD"},
                        {"filter": "prod-*", "filterType": "WILDCARD"},
                    ],
                }
            ]
        },
    ),
    Applied(
        id="tpl-kms-arn-ok",
        evidence="api-model",
        source="botocore 1.44.5 ecr service model",
        reason="a key is named by its ARN",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["CREATE_ON_PUSH"],
                        "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
                        "encryptionConfiguration": {
                            "encryptionType": "KMS",
                            "kmsKey": "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555",
                        },
                    }
                ]
            }
        },
        state={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["CREATE_ON_PUSH"],
                    "encryptionConfiguration": {
                        "encryptionType": "KMS",
                        "kmsKey": "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555",
                    },
                    "imageTagMutability": "MUTABLE",
                    "customRoleArn": "arn:aws:iam::111111111111:role/ecr-template",
                }
            ]
        },
    ),
    Applied(
        id="excl-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_time_update_exclusion_test.go::basic",
        reason="a role may pull without a new pull time",
        settings={"pull_time_update_exclusions": {"principalArns": ["arn:aws:iam::111111111111:role/scanner"]}},
        state={"exclusions": ["arn:aws:iam::111111111111:role/scanner"]},
    ),
    Applied(
        id="sign-basic",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws PR #47527 signing_configuration_test.go::basic",
        reason="a profile signs the repositories that its filters name",
        settings={
            "signing_configuration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            }
        },
        state={
            "signing": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            }
        },
    ),
    Applied(
        id="sign-update-two-rules",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws PR #47527 signing_configuration_test.go::update",
        reason="a second rule leaves the first",
        settings={
            "signing_configuration": {
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
        state={
            "signing": {
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
    ),
]

UNCHANGED = [
    Unchanged(
        id="repl-delete-replication-unknown-field-preserved",
        evidence="design",
        source="issue class: pulumi/terraform lag",
        reason="AWS may echo enabled=false where the user gave nothing: treat absent == false, no perpetual diff.",
        settings={
            "replication_configuration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "prod-", "filterType": "PREFIX_MATCH"}],
                    }
                ]
            }
        },
        existing={
            "replicationConfiguration": {
                "rules": [
                    {
                        "destinations": [{"region": "us-west-2", "registryId": "111111111111"}],
                        "repositoryFilters": [{"filter": "prod-", "filterType": "PREFIX_MATCH"}],
                        "deleteReplication": {"enabled": False},
                    }
                ]
            }
        },
    ),
    Unchanged(
        id="policy-equivalent-no-diff",
        evidence="peer-code",
        source="hashicorp/terraform-provider-aws internal/service/ecr/registry_policy.go policy-equivalence suppression",
        reason="the order of actions, and text or list, say nothing",
        settings={
            "registry_policy": {
                "policyText": text(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Sid": "testpolicy",
                                "Effect": "Allow",
                                "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                                "Action": ["ecr:CreateRepository", "ecr:ReplicateImage"],
                                "Resource": "arn:aws:ecr:us-east-1:111111111111:repository/*",
                            }
                        ],
                    }
                )
            }
        },
        existing={
            "policyText": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "testpolicy",
                        "Effect": "Allow",
                        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
                        "Action": ["ecr:ReplicateImage", "ecr:CreateRepository"],
                        "Resource": ["arn:aws:ecr:us-east-1:111111111111:repository/*"],
                    }
                ],
            }
        },
    ),
    Unchanged(
        id="scan-rule-order-no-diff",
        evidence="peer-code",
        source="hashicorp/terraform-provider-aws internal/service/ecr/registry_scanning_configuration.go (TypeSet)",
        reason="the order of rules says nothing",
        settings={
            "scanning_configuration": {
                "scanType": "ENHANCED",
                "rules": [
                    {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
                    {
                        "scanFrequency": "CONTINUOUS_SCAN",
                        "repositoryFilters": [{"filter": "example", "filterType": "WILDCARD"}],
                    },
                ],
            }
        },
        existing={
            "scanning": {
                "scanType": "ENHANCED",
                "rules": [
                    {
                        "scanFrequency": "CONTINUOUS_SCAN",
                        "repositoryFilters": [{"filter": "example", "filterType": "WILDCARD"}],
                    },
                    {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]},
                ],
            }
        },
    ),
    Unchanged(
        id="tpl-lifecycle-reordered-noop",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::ignoreEquivalentLifecycle step 2",
        reason="Rule order and tagPrefixList order do not matter.",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "tf-test-abcd1234",
                        "appliedFor": ["PULL_THROUGH_CACHE"],
                        "lifecyclePolicy": text(
                            {
                                "rules": [
                                    {
                                        "rulePriority": 2,
                                        "description": "Expire tagged images older than 14 days",
                                        "selection": {
                                            "tagStatus": "tagged",
                                            "tagPrefixList": ["third", "second", "first"],
                                            "countType": "sinceImagePushed",
                                            "countUnit": "days",
                                            "countNumber": 14,
                                        },
                                        "action": {"type": "expire"},
                                    },
                                    {
                                        "rulePriority": 1,
                                        "description": "Expire images older than 14 days",
                                        "selection": {
                                            "tagStatus": "untagged",
                                            "countType": "sinceImagePushed",
                                            "countUnit": "days",
                                            "countNumber": 14,
                                        },
                                        "action": {"type": "expire"},
                                    },
                                ]
                            }
                        ),
                    }
                ]
            }
        },
        existing={
            "templates": [
                {
                    "prefix": "tf-test-abcd1234",
                    "appliedFor": ["PULL_THROUGH_CACHE"],
                    "lifecyclePolicy": text(
                        {
                            "rules": [
                                {
                                    "rulePriority": 1,
                                    "description": "Expire images older than 14 days",
                                    "selection": {
                                        "tagStatus": "untagged",
                                        "countType": "sinceImagePushed",
                                        "countUnit": "days",
                                        "countNumber": 14,
                                    },
                                    "action": {"type": "expire"},
                                },
                                {
                                    "rulePriority": 2,
                                    "description": "Expire tagged images older than 14 days",
                                    "selection": {
                                        "tagStatus": "tagged",
                                        "tagPrefixList": ["first", "second", "third"],
                                        "countType": "sinceImagePushed",
                                        "countUnit": "days",
                                        "countNumber": 14,
                                    },
                                    "action": {"type": "expire"},
                                },
                            ]
                        }
                    ),
                }
            ]
        },
    ),
]

DRIFTED = [
    Drifted(
        id="repl-disappears",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/replication_configuration_test.go::disappears",
        reason="a rule that somebody removed is missing",
        settings={
            "replication_configuration": {
                "rules": [{"destinations": [{"region": "us-west-2", "registryId": "111111111111"}]}]
            }
        },
        existing={"replicationConfiguration": {"rules": []}},
        drift=(
            (
                "replication_configuration",
                "111111111111/us-west-2:",
                "MISSING",
            ),
        ),
    ),
    Drifted(
        id="tpl-disappears",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/repository_creation_template_test.go::disappears",
        reason="a template that somebody deleted is missing",
        settings={
            "repository_creation_templates": {
                "templates": [{"prefix": "tf-test-abcd1234", "appliedFor": ["PULL_THROUGH_CACHE", "REPLICATION"]}]
            }
        },
        existing={"templates": []},
        drift=(
            (
                "repository_creation_templates",
                "tf-test-abcd1234",
                "MISSING",
            ),
        ),
    ),
    Drifted(
        id="excl-disappears",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws internal/service/ecr/pull_time_update_exclusion_test.go::disappears",
        reason="an exclusion that somebody removed is missing",
        settings={"pull_time_update_exclusions": {"principalArns": ["arn:aws:iam::111111111111:role/scanner"]}},
        existing={"exclusions": []},
        drift=(
            (
                "pull_time_update_exclusions",
                "arn:aws:iam::111111111111:role/scanner",
                "MISSING",
            ),
        ),
    ),
    Drifted(
        id="sign-disappears",
        evidence="peer-test",
        source="hashicorp/terraform-provider-aws PR #47527 signing_configuration_test.go::disappears",
        reason="a configuration that somebody deleted is missing",
        settings={
            "signing_configuration": {
                "rules": [
                    {
                        "signingProfileArn": "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a",
                        "repositoryFilters": [{"filter": "team-a/*", "filterType": "WILDCARD_MATCH"}],
                    }
                ]
            }
        },
        existing={"signing": None},
        drift=(
            (
                "signing_configuration",
                "arn:aws:signer:us-east-1:111111111111:/signing-profiles/profile_a team-a/*",
                "MISSING",
            ),
        ),
    ),
]
