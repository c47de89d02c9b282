"""Errors found in public configurations, with the evidence for each expectation."""

from __future__ import annotations

from tests.cases.rows import Rejected, Scenario, text

REJECTED = [
    Rejected(
        id="F3a",
        evidence="measured on PutLifecyclePolicy; whether CreateRepositoryCreationTemplate refuses at once or the repository creation fails later was not found: either way it never works",
        source="cdk-preflight pf-ecr-lifecycle-rule-priority; two public READMEs quoting it",
        reason="the rule for any tag must come last",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "lc",
                        "appliedFor": ["PULL_THROUGH_CACHE"],
                        "lifecyclePolicy": text(
                            {
                                "rules": [
                                    {
                                        "rulePriority": 1,
                                        "selection": {
                                            "tagStatus": "any",
                                            "countType": "imageCountMoreThan",
                                            "countNumber": 10,
                                        },
                                        "action": {"type": "expire"},
                                    },
                                    {
                                        "rulePriority": 2,
                                        "selection": {
                                            "tagStatus": "untagged",
                                            "countType": "sinceImagePushed",
                                            "countUnit": "days",
                                            "countNumber": 7,
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
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].lifecycle_policy",),
    ),
    Rejected(
        id="F3d",
        evidence="measured on PutLifecyclePolicy; whether CreateRepositoryCreationTemplate refuses at once or the repository creation fails later was not found: either way it never works",
        source="cloudposse/terraform-aws-ecr PR #159 and #132",
        reason="AWS takes no null members",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "lc",
                        "appliedFor": ["PULL_THROUGH_CACHE"],
                        "lifecyclePolicy": text(
                            {
                                "rules": [
                                    {
                                        "rulePriority": 1,
                                        "selection": {
                                            "tagStatus": "untagged",
                                            "countType": "sinceImagePushed",
                                            "countUnit": "days",
                                            "countNumber": 7,
                                        },
                                        "action": {"type": "expire", "targetStorageClass": None},
                                    }
                                ]
                            }
                        ),
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].lifecycle_policy",),
    ),
    Rejected(
        id="F3g",
        evidence="measured on PutLifecyclePolicy; whether CreateRepositoryCreationTemplate refuses at once or the repository creation fails later was not found: either way it never works",
        source="containers-roadmap #2728, #921 (Dec 2025)",
        reason="pulled images cannot expire",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "lc",
                        "appliedFor": ["PULL_THROUGH_CACHE"],
                        "lifecyclePolicy": text(
                            {
                                "rules": [
                                    {
                                        "rulePriority": 1,
                                        "selection": {
                                            "tagStatus": "any",
                                            "countType": "sinceImagePulled",
                                            "countUnit": "days",
                                            "countNumber": 60,
                                        },
                                        "action": {"type": "expire"},
                                    }
                                ]
                            }
                        ),
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.repository_creation_templates.templates[0].lifecycle_policy",),
    ),
    Rejected(
        id="F3j",
        evidence="seen on AWS with SetRepositoryPolicy; timing at template level unknown",
        source="aws/aws-cdk #24314, PR #3590, awsdocs/amazon-ecr-user-guide PR #20, cfn-lint #340",
        reason="a repository policy names no Resource",
        settings={
            "repository_creation_templates": {
                "templates": [
                    {
                        "prefix": "lc",
                        "appliedFor": ["PULL_THROUGH_CACHE"],
                        "repositoryPolicy": text(
                            {
                                "Version": "2012-10-17",
                                "Statement": [
                                    {
                                        "Effect": "Allow",
                                        "Principal": "*",
                                        "Action": "ecr:BatchGetImage",
                                        "Resource": "*",
                                    }
                                ],
                            }
                        ),
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=(
            "registry_settings.settings.repository_creation_templates.templates[0].repository_policy.Statement[0]",
        ),
    ),
    Rejected(
        id="F4a",
        evidence="hashicorp/terraform-provider-aws #3924: AWS answers 'Invalid repository policy provided'; cdk-preflight pf-iam-trust-policy-aws-principal-format measured the same for IAM",
        source="hashicorp/terraform-provider-aws #3924: AWS answers 'Invalid repository policy provided'; cdk-preflight pf-iam-trust-policy-aws-principal-format measured the same for IAM",
        reason="an account's ARN ends with root",
        settings={
            "registry_policy": {
                "policyText": text(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Sid": "X",
                                "Effect": "Allow",
                                "Principal": {"AWS": "arn:aws:iam::222222222222:*"},
                                "Action": "ecr:ReplicateImage",
                                "Resource": "*",
                            }
                        ],
                    }
                )
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.registry_policy.policy_text.Statement[0].Principal.AWS",),
    ),
    Rejected(
        id="F4c",
        evidence="wildcard inside an ARN (IAM guide; inferred for ECR)",
        source="wildcard inside an ARN (IAM guide; inferred for ECR)",
        reason="an ARN has no wildcard for the account",
        settings={
            "registry_policy": {
                "policyText": text(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Sid": "X",
                                "Effect": "Allow",
                                "Principal": {"AWS": "arn:aws:iam::*:root"},
                                "Action": "ecr:ReplicateImage",
                                "Resource": "*",
                            }
                        ],
                    }
                )
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.registry_policy.policy_text.Statement[0].Principal.AWS",),
    ),
    Rejected(
        id="F7a",
        evidence="message quoted in the rule; the recorded deploy of that rule covers another branch; the library header says 'the three open registries take no credential at all', measured",
        source="badmintoncryer/cdk-preflight rules/ecr/pf-ecr-pull-through-cache-credential, ...-url, rules/_lib/ecr.rego (measured 2026-09-05/06); private Quay asked for in containers-roadmap #2652",
        reason="quay.io takes no credential",
        settings={
            "pull_through_cache_rules": {
                "rules": [
                    {
                        "ecrRepositoryPrefix": "quay",
                        "upstreamRegistryUrl": "quay.io",
                        "credentialArn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/quay-AbCdEf",
                    }
                ]
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.pull_through_cache_rules.rules[0].credential_arn",),
    ),
    Rejected(
        id="F9a",
        evidence="measured for IAM policies; same grammar, inferred for ECR",
        source="cdk-preflight pf-iam-policy-condition-operator (IAM, measured 2026-09-03)",
        reason="there is no such operator",
        settings={
            "registry_policy": {
                "policyText": text(
                    {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Sid": "X",
                                "Effect": "Allow",
                                "Principal": "*",
                                "Action": "ecr:ReplicateImage",
                                "Resource": "*",
                                "Condition": {"StringEqual": {"aws:PrincipalOrgID": "o-abc"}},
                            }
                        ],
                    }
                )
            }
        },
        code="INVALID_ARGUMENT",
        fields=("registry_settings.settings.registry_policy.policy_text.Statement[0].Condition.StringEqual",),
    ),
]

ELSEWHERE = [
    Scenario(
        id="F1a",
        evidence="message seen on AWS (repository policy); that the same holds for a registry policy is in aws-facts 3.1; what should happen to other owners is the product's own promise (README)",
        source="ministryofjustice/modernisation-platform PR #10129 and #10130 (ECR answers 'Principal not found' for a role that does not exist)",
        reason="`good` reaches AWS; `bad` alone is reported, by Sid and owner",
        test="tests/e2e/test_isolation.py",
    ),
    Scenario(
        id="F2a",
        evidence="documented meaning of Resource; contradicts docs/errors.md DESTINATION_POLICY_CONDITIONAL '... or for some repositories only'",
        source="AWS user guide registry-permissions-examples (prefix prod- example); public module with a `repositories` list in the resource ARN (find_string id 22915882677)",
        reason="BROKEN (no dev- repository can arrive)",
        test="tests/api/test_replication_arrivals.py",
    ),
    Scenario(
        id="F5",
        evidence="product output",
        source="hashicorp/terraform-provider-aws #3924 (one generic message for any malformed principal)",
        reason="an error that does not blame the scope",
        test="tests/engine/test_shown_errors.py",
    ),
    Scenario(
        id="F6",
        evidence="AWS behaviour in the issue (repository policy), registry policy inferred to be the same",
        source="hashicorp/terraform-provider-aws #39064 and PR #39190 (policy fails right after the role was created, works seconds later); the provider's changelog has a retry for it (#1165)",
        reason="tried again for a bounded time (seconds to a minute), then in sync",
        test="tests/isolation/test_reconcile_policy.py",
    ),
    Scenario(
        id="F8",
        evidence="AWS text: 'replication can still occur', repositories must be pre-created",
        source="AWS user guide registry-permissions-examples, Note (docs.aws.amazon.com, docs.amazonaws.cn)",
        reason="not BROKEN: replication works where the repositories exist",
        test="tests/api/test_replication_arrivals.py",
    ),
    Scenario(
        id="F11b",
        evidence="author's comment; AWS prefix rule",
        source="public Terraform (find_string id 41662210582: rules hub-proxy/ghcr-proxy, templates hub/ghcr); RouteIQ CDK construct (id 56136725804: 'must match or the template silently does not apply')",
        reason="warning: no cache rule's repositories match the template",
        test="tests/api/test_plan_warnings.py",
    ),
]
