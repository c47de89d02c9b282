"""Invalid input is rejected with an exact code and field, and stores nothing."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from typing import Any

import ecrkeeper
import grpc
import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import registry_settings_service_pb2_grpc, role_service_pb2, role_service_pb2_grpc
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper.v1.settings_pb2 import ReplicationDestination, Settings
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.e2e.live import Live, Place, fields_of, fresh_account, message, rejection, rules

SECONDS = 2.0
MEBIBYTE = "x" * 2**20
ACCOUNT = "444444444444"
REGISTRY = f"accounts/{ACCOUNT}/registries/us-east-1"
PART = f"{REGISTRY}/settings/platform"
ROLE = f"accounts/{ACCOUNT}/serviceLinkedRoles/replication"
STATEMENT = {
    "Sid": "one",
    "Effect": "Allow",
    "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
    "Action": ["ecr:ReplicateImage"],
    "Resource": [f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/*"],
}
AT = "registry_settings.settings"


class Raw:
    """The bare stubs, so that the client neither checks nor retries."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)
        self.settings: Any = registry_settings_service_pb2_grpc.RegistrySettingsServiceStub(self.channel)
        self.roles: Any = role_service_pb2_grpc.RoleServiceStub(self.channel)
        self.operations: Any = operations_pb2_grpc.OperationsStub(self.channel)


@pytest.fixture(scope="module")
def raw(live: Live) -> Any:
    raw_client = Raw(live.server.address)
    yield raw_client
    raw_client.channel.close()


def outcome(call: Callable[..., Any], request: Any) -> tuple[grpc.StatusCode, list[str], str]:
    """Return code, fields and text of a rejection, which must be fast."""
    began = time.monotonic()
    with pytest.raises(grpc.RpcError) as caught:
        answer = call(request, timeout=10)
        if not hasattr(answer, "DESCRIPTOR"):
            list(answer)
    assert time.monotonic() - began < SECONDS
    error: Any = caught.value
    status = rpc_status.from_call(error)
    fields: list[str] = []
    for detail in status.details if status else ():
        bad, used_up = error_details_pb2.BadRequest(), error_details_pb2.QuotaFailure()
        if detail.Unpack(bad):
            fields += [violation.field for violation in bad.field_violations]
            assert all(violation.description for violation in bad.field_violations)
        if detail.Unpack(used_up):
            fields += [violation.subject for violation in used_up.violations]
            assert all(violation.description for violation in used_up.violations)
    return error.code(), fields, str(error.details())


def declare(settings: Settings | dict[str, Any], **more: Any) -> pb.CreateRegistrySettingsRequest:
    built = settings if isinstance(settings, Settings) else message(settings)
    declaration = RegistrySettings(settings=built)
    fields = {"parent": REGISTRY, "registry_settings_id": "platform", "registry_settings": declaration, **more}
    return pb.CreateRegistrySettingsRequest(**fields)


def policy(text: str) -> pb.CreateRegistrySettingsRequest:
    return declare({"registry_policy": {"policyText": text}})


def statements(*members: dict[str, Any]) -> pb.CreateRegistrySettingsRequest:
    return policy(json.dumps({"Version": "2012-10-17", "Statement": list(members)}))


def replicate(*rules: dict[str, Any]) -> pb.CreateRegistrySettingsRequest:
    return declare({"replication_configuration": {"rules": list(rules)}})


def cache(**rule: Any) -> pb.CreateRegistrySettingsRequest:
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "quay.io", **rule}
    return declare({"pull_through_cache_rules": {"rules": [rule]}})


def update(paths: list[str], **more: Any) -> pb.UpdateRegistrySettingsRequest:
    declaration = RegistrySettings(name=PART, settings=message({"registry_policy": {}}))
    return pb.UpdateRegistrySettingsRequest(
        registry_settings=declaration, update_mask=FieldMask(paths=paths), allow_missing=True, **more
    )


RULE = rules((ACCOUNT, "eu-west-1"))["rules"][0]
NAMES = {
    "empty": "",
    "slashes": "////",
    "no account": "accounts//registries/us-east-1",
    "11 digits": "accounts/12345678901/registries/us-east-1",
    "13 digits": "accounts/1234567890123/registries/us-east-1",
    "letters": "accounts/abcdefghijkl/registries/us-east-1",
    "digits of another script": "accounts/١٢٣٤٥٦٧٨٩٠١٢/registries/us-east-1",
    "line end behind": "accounts/444444444444/registries/us-east-1\n",
    "line end in the account": "accounts/44444444444\n/registries/us-east-1",
    "unknown Region": "accounts/444444444444/registries/mars-north-1",
    "Region in capitals": "accounts/444444444444/registries/US-EAST-1",
    "wildcards": "accounts/-/registries/-",
    "NUL": "accounts/444444444444/registries/us-east-1\0",
    "another collection": "accounts/444444444444/repositories/us-east-1",
    "up a folder": "accounts/../registries/us-east-1",
    "SQL": "accounts/444444444444/registries/us-east-1'; DROP TABLE resources; --",
    "1 MiB": MEBIBYTE,
}
BY_NAME: dict[str, tuple[str, Callable[[str], Any], str]] = {
    "GetRegistry": ("settings", lambda n: pb.GetRegistryRequest(name=n), "name"),
    "GetRegistry with refresh": ("settings", lambda n: pb.GetRegistryRequest(name=n, refresh=True), "name"),
    "UpdateRegistry": ("settings", lambda n: pb.UpdateRegistryRequest(registry=Registry(name=n)), "registry.name"),
    "ReconcileRegistry": ("settings", lambda n: pb.ReconcileRegistryRequest(name=n), "name"),
    "CheckReplication": ("settings", lambda n: pb.CheckReplicationRequest(name=n), "name"),
    "ExplainRepository": ("settings", lambda n: pb.ExplainRepositoryRequest(name=n, repository="app"), "name"),
    "ImportRegistrySettings": (
        "settings",
        lambda n: pb.ImportRegistrySettingsRequest(name=n, registry_settings_id="platform"),
        "name",
    ),
    "CreateRegistrySettings": ("settings", lambda n: declare({"registry_policy": {}}, parent=n), "parent"),
    "ListReplicationBackfills": ("settings", lambda n: pb.ListReplicationBackfillsRequest(parent=n), "parent"),
    "GetRegistrySettings": ("settings", lambda n: pb.GetRegistrySettingsRequest(name=n), "name"),
    "DeleteRegistrySettings": ("settings", lambda n: pb.DeleteRegistrySettingsRequest(name=n), "name"),
    "ListRegistrySettingsRevisions": (
        "settings",
        lambda n: pb.ListRegistrySettingsRevisionsRequest(name=n),
        "name",
    ),
    "RollbackRegistrySettings": ("settings", lambda n: pb.RollbackRegistrySettingsRequest(name=n), "name"),
    "GetReplicationBackfill": ("settings", lambda n: pb.GetReplicationBackfillRequest(name=n), "name"),
    "ListRegistries": ("settings", lambda n: pb.ListRegistriesRequest(parent=n), "parent"),
    "WatchRegistries": ("settings", lambda n: pb.WatchRegistriesRequest(parent=n), "parent"),
    "GetServiceLinkedRole": ("roles", lambda n: role_service_pb2.GetServiceLinkedRoleRequest(name=n), "name"),
    "DeleteServiceLinkedRole": ("roles", lambda n: role_service_pb2.DeleteServiceLinkedRoleRequest(name=n), "name"),
    "CheckServiceLinkedRoleUsage": (
        "roles",
        lambda n: role_service_pb2.CheckServiceLinkedRoleUsageRequest(name=n),
        "name",
    ),
    "ListServiceLinkedRoles": ("roles", lambda n: role_service_pb2.ListServiceLinkedRolesRequest(parent=n), "parent"),
}


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("call", BY_NAME)
def test_malformed_name_is_rejected(raw: Raw, call: str, kind: str) -> None:
    service, build, field = BY_NAME[call]
    try:
        request = build(NAMES[kind])
    except ValueError:
        pytest.skip("protobuf cannot carry it")
    code, fields, _ = outcome(getattr(getattr(raw, service), call.split(maxsplit=1)[0]), request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert fields
    assert set(fields) == {field}


# request, the field that the rejection must name
def _wide(number: int) -> dict[str, Any]:
    """Return a rule of ten thousand pairs."""
    return {
        "destinations": [{"region": "eu-west-1", "registryId": f"{222222222222 + at}"} for at in range(100)],
        "repositoryFilters": [{"filter": f"team-{number}-{at}/", "filterType": "PREFIX_MATCH"} for at in range(100)],
    }


BAD_SETTINGS: dict[str, tuple[Callable[[], pb.CreateRegistrySettingsRequest], str]] = {
    "policy is not JSON": (lambda: policy("{oops"), f"{AT}.registry_policy.policy_text"),
    "policy is a list": (lambda: policy("[]"), f"{AT}.registry_policy.policy_text"),
    "policy is null": (lambda: policy("null"), f"{AT}.registry_policy.policy_text"),
    "policy is a number without end": (lambda: policy("9" * 10_000), f"{AT}.registry_policy.policy_text"),
    "policy with NaN": (lambda: policy('{"Statement": NaN}'), f"{AT}.registry_policy.policy_text"),
    "policy with a member twice": (
        lambda: policy('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": [{}]}'),
        f"{AT}.registry_policy.policy_text",
    ),
    "policy nested 10,000 deep": (lambda: policy("[" * 5000 + "]" * 5000), f"{AT}.registry_policy.policy_text"),
    "policy nested beyond the limit": (
        lambda: policy("[" * 10_000 + "]" * 10_000),
        f"{AT}.registry_policy.policy_text",
    ),
    "policy of objects nested": (
        lambda: policy('{"a":' * 2000 + "1" + "}" * 2000),
        f"{AT}.registry_policy.policy_text",
    ),
    "policy of 1 MiB": (lambda: policy(MEBIBYTE), f"{AT}.registry_policy.policy_text"),
    "policy with NUL": (lambda: policy('{"Statement": "\0"}'), f"{AT}.registry_policy.policy_text"),
    "policy with an escaped NUL": (
        lambda: statements({**STATEMENT, "Sid": "a\0b"}),
        f"{AT}.registry_policy.policy_text",
    ),
    "policy with half a surrogate": (
        lambda: policy('{"Version": "2012-10-17", "Statement": [{"Sid": "\\ud800"}]}'),
        f"{AT}.registry_policy.policy_text",
    ),
    "statement is a text": (
        lambda: policy('{"Statement": ["x"]}'),
        f"{AT}.registry_policy.policy_text.Statement[0]",
    ),
    "statement without anything": (lambda: statements({}), f"{AT}.registry_policy.policy_text.Statement[0]"),
    "duplicate Sids": (
        lambda: statements(STATEMENT, {**STATEMENT, "Effect": "Deny"}),
        f"{AT}.registry_policy.policy_text.Statement[1].Sid",
    ),
    "a Resource in another Region": (
        lambda: statements({**STATEMENT, "Resource": f"arn:aws:ecr:eu-west-1:{ACCOUNT}:repository/*"}),
        f"{AT}.registry_policy.policy_text.Statement[0].Resource",
    ),
    "10,000 rules": (lambda: replicate(*[RULE] * 10_000), f"{AT}.replication_configuration.rules"),
    "10,000 destinations": (
        lambda: replicate({"destinations": RULE["destinations"] * 10_000}),
        f"{AT}.replication_configuration.rules[0].destinations",
    ),
    "a rule without destination": (
        lambda: replicate({"destinations": []}),
        f"{AT}.replication_configuration.rules[0].destinations",
    ),
    "a destination in an unknown Region": (
        lambda: replicate(rules((ACCOUNT, "mars-north-1"))["rules"][0]),
        f"{AT}.replication_configuration.rules[0].destinations[0].region",
    ),
    "a destination in another partition": (
        lambda: replicate(rules((ACCOUNT, "cn-north-1"))["rules"][0]),
        f"{AT}.replication_configuration.rules[0].destinations[0].region",
    ),
    "the registry itself as destination": (
        lambda: replicate(rules((ACCOUNT, "us-east-1"))["rules"][0]),
        f"{AT}.replication_configuration.rules[0].destinations[0]",
    ),
    "a filter of 1 MiB": (
        lambda: replicate(rules((ACCOUNT, "eu-west-1"), prefix=MEBIBYTE)["rules"][0]),
        f"{AT}.replication_configuration.rules[0].repository_filters[0].filter",
    ),
    "a filter that makes a naive pattern slow": (
        lambda: replicate(rules((ACCOUNT, "eu-west-1"), prefix="a" * 255 + "!")["rules"][0]),
        f"{AT}.replication_configuration.rules[0].repository_filters[0].filter",
    ),
    "a prefix with NUL": (
        lambda: cache(ecrRepositoryPrefix="hub\0"),
        f"{AT}.pull_through_cache_rules.rules[0].ecr_repository_prefix",
    ),
    "a prefix with a line end": (
        lambda: cache(ecrRepositoryPrefix="hub\n"),
        f"{AT}.pull_through_cache_rules.rules[0].ecr_repository_prefix",
    ),
    "a URL of 1 MiB": (
        lambda: cache(upstreamRegistryUrl=MEBIBYTE),
        f"{AT}.pull_through_cache_rules.rules[0].upstream_registry_url",
    ),
    "an upstream that needs a secret, without": (
        lambda: cache(upstreamRegistryUrl="registry-1.docker.io"),
        f"{AT}.pull_through_cache_rules.rules[0].credential_arn",
    ),
    "a rule twice": (
        lambda: declare(
            {
                "pull_through_cache_rules": {
                    "rules": [{"ecrRepositoryPrefix": "q", "upstreamRegistryUrl": "quay.io"}] * 2
                }
            }
        ),
        f"{AT}.pull_through_cache_rules.rules",
    ),
    "10,000 templates": (
        lambda: declare({"repository_creation_templates": {"templates": [{"prefix": "a", "appliedFor": []}] * 10_000}}),
        f"{AT}.repository_creation_templates.templates",
    ),
    "50,000 cache rules without anything": (
        lambda: declare({"pull_through_cache_rules": {"rules": [{}] * 50_000}}),
        f"{AT}.pull_through_cache_rules.rules",
    ),
    "two million destinations without anything": (
        lambda: replicate({"destinations": [{}] * 2_000_000}),
        f"{AT}.replication_configuration.rules[0].destinations",
    ),
    "more destinations than AWS allows, and filters to match": (
        lambda: replicate(*[_wide(number) for number in range(25)]),
        f"{AT}.replication_configuration",
    ),
    "an account setting that does not exist": (
        lambda: declare({"account_settings": {"settings": [{"name": "SPEED", "value": "ON"}]}}),
        f"{AT}.account_settings",
    ),
    "10,000 principals": (
        lambda: declare(
            {"pull_time_update_exclusions": {"principalArns": [f"arn:aws:iam::{ACCOUNT}:role/r"] * 10_000}}
        ),
        f"{AT}.pull_time_update_exclusions.principal_arns",
    ),
    "a profile that is no profile": (
        lambda: declare({"signing_configuration": {"rules": [{"signingProfileArn": "arn:aws:s3:::x"}]}}),
        f"{AT}.signing_configuration.rules[0].signing_profile_arn",
    ),
    "an owner in capitals": (
        lambda: declare({"registry_policy": {}}, registry_settings_id="Me"),
        "registry_settings_id",
    ),
    "an owner of 64": (lambda: declare({"registry_policy": {}}, registry_settings_id="a" * 64), "registry_settings_id"),
    "an owner with a slash": (
        lambda: declare({"registry_policy": {}}, registry_settings_id="a/b"),
        "registry_settings_id",
    ),
    "an owner with a line end": (
        lambda: declare({"registry_policy": {}}, registry_settings_id="a\n"),
        "registry_settings_id",
    ),
    "no declaration": (
        lambda: pb.CreateRegistrySettingsRequest(parent=REGISTRY, registry_settings_id="platform"),
        "registry_settings",
    ),
    "a reason of 1 MiB": (lambda: declare({"registry_policy": {}}, reason=MEBIBYTE), "reason"),
    "a request id that is no UUID": (lambda: declare({"registry_policy": {}}, request_id="1"), "request_id"),
    "an unknown deletion policy": (
        lambda: declare({}, registry_settings=RegistrySettings(deletion_policy=77)),  # type: ignore[arg-type]
        "registry_settings.deletion_policy",
    ),
}


# More than AWS allows in a registry, over all owners.
TOO_MUCH = {
    "policy nested beyond the limit",
    "policy of objects nested",
    "policy of 1 MiB",
    "10,000 rules",
    "10,000 templates",
    "50,000 cache rules without anything",
    "more destinations than AWS allows, and filters to match",
    "10,000 principals",
}


@pytest.mark.parametrize("kind", BAD_SETTINGS)
@pytest.mark.parametrize("validate_only", [False, True], ids=["write", "plan"])
def test_invalid_declaration_is_rejected(raw: Raw, kind: str, validate_only: bool) -> None:
    build, field = BAD_SETTINGS[kind]
    request = build()
    request.validate_only = validate_only
    code, fields, _ = outcome(raw.settings.CreateRegistrySettings, request)
    assert code is (grpc.StatusCode.RESOURCE_EXHAUSTED if kind in TOO_MUCH else grpc.StatusCode.INVALID_ARGUMENT)
    assert any(each.startswith(field) for each in fields), fields
    assert len(fields) <= 101


@pytest.mark.parametrize("prefix", ["-0", "a\r\nb: c", "HUB", "a" * 31, "a", "a//b"])
def test_invalid_prefix_is_not_sent_to_aws(raw: Raw, prefix: str) -> None:
    request = pb.ValidatePullThroughCacheRuleRequest(name=REGISTRY, ecr_repository_prefix=prefix)
    code, fields, _ = outcome(raw.settings.ValidatePullThroughCacheRule, request)
    assert (code, set(fields)) == (grpc.StatusCode.INVALID_ARGUMENT, {"ecr_repository_prefix"})


def token(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


BAD_LISTS: dict[str, tuple[dict[str, Any], str]] = {
    "a page size below 0": ({"page_size": -1}, "page_size"),
    "the lowest page size there is": ({"page_size": -(2**31)}, "page_size"),
    "a token that is nothing": ({"page_token": "garbage"}, "page_token"),
    "a token in another script": ({"page_token": "żółw"}, "page_token"),
    "a token of a number": ({"page_token": token(1)}, "page_token"),
    "a token of another query": ({"page_token": token(["0" * 12, "accounts/1"])}, "page_token"),
    "a token nested deep": ({"page_token": base64.urlsafe_b64encode(b"[" * 1500).decode()}, "page_token"),
    "a token of 1 MiB": ({"page_token": MEBIBYTE}, "page_token"),
    "a filter of an unknown field": ({"filter": 'password = "x"'}, "filter"),
    "a filter that ends with OR": ({"filter": "region = a OR"}, "filter"),
    "a filter that compares": ({"filter": "region > a"}, "filter"),
    "a filter without value": ({"filter": "region ="}, "filter"),
    "a filter with an open quote": ({"filter": 'region = "us'}, "filter"),
    "a filter with parentheses": ({"filter": "(" * 2000}, "filter"),
    "a filter of many terms": ({"filter": " AND ".join(["region = a"] * 150)}, "filter"),
    "a filter of 1 MiB": ({"filter": MEBIBYTE}, "filter"),
    "a filter with NUL": ({"filter": "region = \0"}, "filter"),
    "a filter of spaces and a fault": ({"filter": " " * 2000 + "!"}, "filter"),
}
LISTS: dict[str, tuple[str, type[Any], str]] = {
    "ListRegistries": ("settings", pb.ListRegistriesRequest, "accounts/-"),
    "ListRegistrySettings": ("settings", pb.ListRegistrySettingsRequest, "accounts/-/registries/-"),
    "ListServiceLinkedRoles": ("roles", role_service_pb2.ListServiceLinkedRolesRequest, "accounts/-"),
}


@pytest.mark.parametrize("kind", BAD_LISTS)
@pytest.mark.parametrize("call", LISTS)
def test_invalid_page_or_filter_is_rejected(raw: Raw, call: str, kind: str) -> None:
    service, request, parent = LISTS[call]
    members, field = BAD_LISTS[kind]
    code, fields, _ = outcome(getattr(getattr(raw, service), call), request(parent=parent, **members))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert fields == [field]


MASKS = ["nothing", "settings.nothing", "settings.registry_policy.policy_text", "name", "etag", "", "\0", "x" * 10_000]


@pytest.mark.parametrize("path", MASKS, ids=range(len(MASKS)))
def test_unknown_mask_path_is_rejected(raw: Raw, path: str) -> None:
    code, fields, _ = outcome(raw.settings.UpdateRegistrySettings, update([path]))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])
    request = pb.UpdateRegistryRequest(registry=Registry(name=REGISTRY), update_mask=FieldMask(paths=[path]))
    code, fields, _ = outcome(raw.settings.UpdateRegistry, request)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])
    role = role_service_pb2.UpdateServiceLinkedRoleRequest(
        service_linked_role=ServiceLinkedRole(name=ROLE), update_mask=FieldMask(paths=[path]), allow_missing=True
    )
    code, fields, _ = outcome(raw.roles.UpdateServiceLinkedRole, role)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])


def test_many_unknown_paths_are_rejected_briefly(raw: Raw) -> None:
    code, fields, _ = outcome(raw.settings.UpdateRegistrySettings, update([f"p{i}" for i in range(1000)]))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(fields) <= {"update_mask", ""}  # the last one says how many are not shown
    assert len(fields) <= 101
    code, fields, _ = outcome(raw.settings.UpdateRegistrySettings, update([f"p{i}" for i in range(10_000)]))
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask.paths"])


BAD_ROLES: dict[str, tuple[dict[str, Any], str]] = {
    "a description of 1 MiB": ({"description": MEBIBYTE}, "service_linked_role.description"),
    "a description with NUL": ({"description": "a\0b"}, "service_linked_role.description"),
    "a description in another script": ({"description": "описание"}, "service_linked_role.description"),
    "51 tags": ({"tags": {f"k{i}": "v" for i in range(51)}}, "service_linked_role.tags"),
    "60,000 tags": ({"tags": {f"k{i}\0": "v" for i in range(60_000)}}, "service_linked_role.tags"),
    "a tag that AWS keeps for itself": ({"tags": {"aws:owner": "me"}}, "service_linked_role.tags"),
    "a tag without key": ({"tags": {"": "v"}}, "service_linked_role.tags"),
    "a tag of 1 MiB": ({"tags": {"k": MEBIBYTE}}, "service_linked_role.tags"),
    "an unknown mode": ({"mode": 77}, "service_linked_role.mode"),
}


@pytest.mark.parametrize("kind", BAD_ROLES)
def test_invalid_role_is_rejected(raw: Raw, kind: str) -> None:
    role, field = BAD_ROLES[kind]
    request = role_service_pb2.CreateServiceLinkedRoleRequest(
        parent=f"accounts/{ACCOUNT}",
        service_linked_role_id="replication",
        service_linked_role=ServiceLinkedRole(**role),
    )
    code, fields, _ = outcome(raw.roles.CreateServiceLinkedRole, request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert any(each.startswith(field) for each in fields), fields


OTHERS: dict[str, tuple[str, str, Any, str]] = {
    "a role that does not exist": (
        "roles",
        "CreateServiceLinkedRole",
        role_service_pb2.CreateServiceLinkedRoleRequest(parent=f"accounts/{ACCOUNT}", service_linked_role_id="admin"),
        "service_linked_role_id",
    ),
    "an unknown partition": (
        "roles",
        "ListSupportedRegions",
        role_service_pb2.ListSupportedRegionsRequest(partition="aws-mars"),
        "partition",
    ),
    "a repository that cannot be": (
        "settings",
        "ExplainRepository",
        pb.ExplainRepositoryRequest(name=REGISTRY, repository="UPPER"),
        "repository",
    ),
    "import of an unknown setting": (
        "settings",
        "ImportRegistrySettings",
        pb.ImportRegistrySettingsRequest(name=REGISTRY, registry_settings_id="platform", settings=["nothing"]),
        "settings",
    ),
    "a revision below 0": (
        "settings",
        "RollbackRegistrySettings",
        pb.RollbackRegistrySettingsRequest(name=PART, revision=-1),
        "revision",
    ),
    "a backfill to nowhere": (
        "settings",
        "StartReplicationBackfill",
        pb.StartReplicationBackfillRequest(parent=REGISTRY, destination=ReplicationDestination(region="x")),
        "destination",
    ),
    "a prefix of one character": (
        "settings",
        "ValidatePullThroughCacheRule",
        pb.ValidatePullThroughCacheRuleRequest(name=REGISTRY, ecr_repository_prefix="x"),
        "ecr_repository_prefix",
    ),
    "a registry without name": ("settings", "UpdateRegistry", pb.UpdateRegistryRequest(), "registry"),
    "an unknown mode": (
        "settings",
        "UpdateRegistry",
        pb.UpdateRegistryRequest(registry=Registry(name=REGISTRY, mode=77)),  # type: ignore[arg-type]
        "registry.mode",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_invalid_requests_are_rejected(raw: Raw, kind: str) -> None:
    service, method, request, field = OTHERS[kind]
    code, fields, _ = outcome(getattr(getattr(raw, service), method), request)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert any(each.startswith(field) for each in fields), fields


@pytest.mark.parametrize(
    "name", ["", "x", "operations/", "operations/x", "operations/\0", "operations/" + MEBIBYTE[:100_000]]
)
def test_unknown_operation_is_rejected(raw: Raw, name: str) -> None:
    for method, request in (
        ("GetOperation", operations_pb2.GetOperationRequest(name=name)),
        ("WaitOperation", operations_pb2.WaitOperationRequest(name=name)),
        ("CancelOperation", operations_pb2.CancelOperationRequest(name=name)),
        ("DeleteOperation", operations_pb2.DeleteOperationRequest(name=name)),
    ):
        code, _, _ = outcome(getattr(raw.operations, method), request)
        assert code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)


def test_message_above_4_mib_is_rejected_by_size(raw: Raw) -> None:
    code, _, text = outcome(raw.settings.CreateRegistrySettings, policy(MEBIBYTE * 5))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger" in text.lower()


def test_malformed_message_is_rejected(raw: Raw) -> None:
    call = raw.channel.unary_unary("/ecrkeeper.v1.RegistrySettingsService/GetRegistry")
    code, _, _ = outcome(call, b"\xff\xff\xff\xff")
    assert code is grpc.StatusCode.INVALID_ARGUMENT


def test_violations_are_reported_together(raw: Raw) -> None:
    bad = {"destinations": [{"region": "EU", "registryId": "1"}]}
    code, fields, _ = outcome(raw.settings.CreateRegistrySettings, replicate(*[bad] * 12))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    at = f"{AT}.replication_configuration.rules"
    assert set(fields) >= {
        f"{at}[{i}].destinations[0].{member}" for i in range(12) for member in ("region", "registry_id")
    }


def test_request_id_reuse_with_other_content_is_rejected(live: Live) -> None:
    place, request_id = live.registry(fresh_account()), str(uuid.uuid4())
    first = {"replication_configuration": rules((place.account, "eu-west-1"))}
    other = {"replication_configuration": rules((place.account, "eu-west-2"))}
    declared = place.apply(first, request_id=request_id)
    rejection(grpc.StatusCode.ALREADY_EXISTS, place.apply, other, request_id=request_id)
    rejection(grpc.StatusCode.ALREADY_EXISTS, place.apply, first, owner="other", request_id=request_id)
    assert place.apply(first, request_id=request_id).etag == declared.etag


def test_rejected_requests_leave_store_empty(live: Live) -> None:
    Place(live, ACCOUNT, "us-east-1").untouched()
    stored = [r.name for r in live.client.list_registries("accounts/-") if ACCOUNT in r.name]
    assert stored == []
    error = rejection(grpc.StatusCode.NOT_FOUND, live.client.get_registry, REGISTRY)
    assert isinstance(error, ecrkeeper.NotFound)
    assert fields_of(error) == []
    assert not [call for call in live.aws.writes() if call["account"] == ACCOUNT]


def test_declaration_without_settings_is_rejected(raw: Raw) -> None:
    request = declare({}, registry_settings=RegistrySettings())
    code, fields, _ = outcome(raw.settings.CreateRegistrySettings, request)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, [f"{AT}"])


CHINA = f"accounts/{ACCOUNT}/registries/cn-north-1"
ELSEWHERE: dict[str, tuple[str, Any]] = {
    "GetRegistry": ("name", pb.GetRegistryRequest(name=CHINA)),
    "UpdateRegistry": ("registry.name", pb.UpdateRegistryRequest(registry=Registry(name=CHINA))),
    "ReconcileRegistry": ("name", pb.ReconcileRegistryRequest(name=CHINA)),
    "ImportRegistrySettings": ("name", pb.ImportRegistrySettingsRequest(name=CHINA, registry_settings_id="platform")),
    "ListRegistrySettings": ("parent", pb.ListRegistrySettingsRequest(parent=CHINA)),
    "CreateRegistrySettings": ("parent", declare({}, parent=CHINA)),
    "UpdateRegistrySettings": (
        "registry_settings.name",
        pb.UpdateRegistrySettingsRequest(registry_settings=RegistrySettings(name=f"{CHINA}/settings/platform")),
    ),
    "DeleteRegistrySettings": ("name", pb.DeleteRegistrySettingsRequest(name=f"{CHINA}/settings/platform")),
    "ListReplicationBackfills": ("parent", pb.ListReplicationBackfillsRequest(parent=CHINA)),
}


@pytest.mark.parametrize("method", ELSEWHERE)
def test_region_of_other_partition_is_rejected_with_both_named(raw: Raw, method: str) -> None:
    field, request = ELSEWHERE[method]
    code, fields, text = outcome(getattr(raw.settings, method), request)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert "'cn-north-1' is in partition aws-cn, and this server serves partition aws" in text


def test_region_unknown_to_this_version_is_accepted(live: Live) -> None:
    place = live.registry(fresh_account(), "eu-later-9")
    assert place.apply({"registry_policy": {}}, validate_only=False).name == place.part("platform")


MESSAGES_OF_REJECTIONS: dict[str, tuple[str, str, Any, str, str]] = {
    "a number": (
        "settings", "ListRegistries", pb.ListRegistriesRequest(parent="accounts/-", page_size=-2000),
        "page_size", ", got -2000",
    ),
    "a number below the least": (
        "settings", "RollbackRegistrySettings", pb.RollbackRegistrySettingsRequest(name=PART, revision=-7),
        "revision", ", got -7",
    ),
    "an enum": (
        "settings", "UpdateRegistry", pb.UpdateRegistryRequest(registry=Registry(name=REGISTRY, mode=77)),  # type: ignore[arg-type]
        "registry.mode", ", got 77; allowed are MODE_UNSPECIFIED, ENFORCE, OBSERVE, PAUSED",
    ),
    "an enum that was not given": (
        "settings", "UpdateRegistrySettings",
        pb.UpdateRegistrySettingsRequest(registry_settings=RegistrySettings(name=PART, settings=Settings(
            replication_configuration={"rules": [{"destinations": [{"region": "eu-west-1", "registry_id": "1" * 12}], "repository_filters": [{"filter": "app-"}]}]},
        ))),
        "registry_settings.settings.replication_configuration.rules[0].repository_filters[0].filter_type",
        "is required; allowed are PREFIX_MATCH",
    ),
    "a name that was not given": ("settings", "GetRegistry", pb.GetRegistryRequest(), "name", "is required"),
    "a request id": (
        "settings", "ReconcileRegistry", pb.ReconcileRegistryRequest(name=REGISTRY, request_id="abc"),
        "request_id", "must be a UUID, got 'abc'",
    ),
    "the key of a map": (
        "roles", "UpdateServiceLinkedRole",
        role_service_pb2.UpdateServiceLinkedRoleRequest(service_linked_role=ServiceLinkedRole(name=ROLE, tags={"a*b": "c"})),
        "service_linked_role.tags[a*b]", ", got 'a*b'",
    ),
    "paths that nobody knows": (
        "settings", "UpdateRegistry",
        pb.UpdateRegistryRequest(registry=Registry(name=REGISTRY), update_mask=FieldMask(paths=["a", "b"])),
        "update_mask", "unknown path 'a', 'b'; allowed are mode, unmanaged_elements",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MESSAGES_OF_REJECTIONS)
def test_rejection_names_value_and_allowed_values(raw: Raw, kind: str) -> None:
    stub, method, request, field, description = MESSAGES_OF_REJECTIONS[kind]
    code, fields, text = outcome(getattr(getattr(raw, stub), method), request)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, [field])
    assert text.endswith(description)


def test_list_operations_reports_all_violations(raw: Raw) -> None:
    request = operations_pb2.ListOperationsRequest(name="accounts/1", filter="done = soon", page_size=-1)
    code, fields, text = outcome(raw.operations.ListOperations, request)
    assert (code, fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["name", "page_size", "filter"])
    assert "name: must be `operations` or empty, got 'accounts/1'" in text
