"""An AWS that answers every read with the most that its quotas allow."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ecrkeeper_server.aws.call import Call

from tests.views import largest

BACKFILL = "00000000-0000-4000-8000-{:012x}"
_BACKFILLS, _CODES = 1_000, 1_000
_REGIONS = [f"xx-region-{i}" for i in range(40)]


def _backfill(number: int) -> dict[str, Any]:
    codes = [f"FailureCode{i:04}" for i in range(_CODES if number < 50 else 20)]
    return {
        "replicationBackfillId": BACKFILL.format(number),
        "destination": {"region": "eu-west-1", "registryId": "222222222299"},
        "status": "FAILED",
        "startedAt": 1_800_000_000.0 - number,
        "progress": {
            "totalReplicationCount": 10**9, "completedReplicationCount": 0, "failedReplicationCount": 10**9,
            "failureCodes": codes,
        },
    }  # fmt: skip


class LargeAws:
    """Has other elements than the declared ones, so that a plan changes all."""

    def __init__(self) -> None:
        self._settings = {**largest.all_settings(length=240), largest.TEMPLATES: largest.templates(50, 100)}

    async def write(self, call: Call) -> dict[str, Any]:
        """Answer a write without any effect."""
        return _backfill(0)

    async def call(
        self, account: str, region: str, service: str, operation: str, params: dict[str, Any]
    ) -> dict[str, Any]:
        """Answer a read."""
        answer: dict[str, Any] = getattr(self, f"_{operation}")(account, params)
        return answer

    def regions(self, partition: str) -> list[str]:
        return [*_REGIONS, "us-east-1", "eu-west-1"]

    def partitions(self) -> list[str]:
        return ["aws", "aws-cn", "aws-us-gov"]

    def _GetRegistryPolicy(self, *_: Any) -> Any:
        return self._settings["registry_policy"]

    def _DescribeRegistry(self, *_: Any) -> Any:
        return {"replicationConfiguration": self._settings[largest.REPLICATION]}

    def _GetRegistryScanningConfiguration(self, *_: Any) -> Any:
        return {"scanningConfiguration": {"scanType": "BASIC", "rules": []}}

    def _GetSigningConfiguration(self, *_: Any) -> Any:
        return {"signingConfiguration": self._settings["signing_configuration"]}

    def _DescribePullThroughCacheRules(self, *_: Any) -> Any:
        return {"pullThroughCacheRules": self._settings["pull_through_cache_rules"]["rules"]}

    def _DescribeRepositoryCreationTemplates(self, *_: Any) -> Any:
        return {"repositoryCreationTemplates": self._settings[largest.TEMPLATES]["templates"]}

    def _ListPullTimeUpdateExclusions(self, account: str, *_: Any) -> Any:
        return {"pullTimeUpdateExclusions": largest.exclusions(0, 100)["principalArns"]}

    def _GetAccountSetting(self, _: str, params: Any) -> Any:
        return {"name": params["name"], "value": "V2"}

    def _ListRegions(self, *_: Any) -> Any:
        return {"Regions": [{"RegionName": name, "RegionOptStatus": "ENABLED"} for name in _REGIONS]}

    def _GetRole(self, account: str, params: Any) -> Any:
        tags = [{"Key": f"{i:03}".ljust(128, "k"), "Value": "o" * 256} for i in range(50)]
        arn = f"arn:aws:iam::{account}:role/aws-service-role/{params['RoleName']}"
        return {
            "Role": {
                "RoleId": "AROA", "RoleName": params["RoleName"], "Arn": arn, "Path": "/aws-service-role/x/",
                "Description": "d" * 1_000, "Tags": tags, "CreateDate": datetime.fromtimestamp(1_700_000_000, UTC),
            }
        }  # fmt: skip

    def _GetCallerIdentity(self, account: str, *_: Any) -> Any:
        return {"Account": account, "Arn": f"arn:aws:iam::{account}:role/{'r' * 512}", "UserId": "u" * 128}

    def _ValidatePullThroughCacheRule(self, *_: Any) -> Any:
        return {"isValid": False, "failure": "f" * 5_000_000}

    def _ListReplicationBackfills(self, *_: Any) -> Any:
        return {"backfills": [_backfill(number) for number in range(_BACKFILLS)]}

    def _DescribeRepositories(self, *_: Any) -> Any:
        return {"repositories": [{"repositoryName": f"{at:03}".ljust(256, "r")} for at in range(100)]}

    def _ListImages(self, _: str, params: Any) -> Any:
        ids = [{"imageDigest": f"sha256:{at:064x}", "imageTag": "t" * 300} for at in range(params["maxResults"])]
        return {"imageIds": ids, "nextToken": "n" * 1_000}

    def _DescribeImageReplicationStatus(self, *_: Any) -> Any:
        status = {"region": "eu-west-1", "registryId": "222222222200", "status": "FAILED", "failureCode": "c" * 500_000}
        return {"replicationStatuses": [status]}

    def _DescribeReplicationBackfillResults(self, _: str, params: Any) -> Any:
        row = {
            "repositoryName": "r" * 256, "imageId": {"imageDigest": f"sha256:{'0' * 64}", "imageTag": "t" * 300},
            "status": "FAILED", "failureCode": "c" * 5_000,
        }  # fmt: skip
        return {"results": [row] * params["maxResults"], "nextToken": "n" * 1_000}
