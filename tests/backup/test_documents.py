"""Documents round-trip, and their errors are reported together."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from ecrkeeper_server.backup import documents, stream
from ecrkeeper_server.backup.registry_documents import RegistryDocument
from ecrkeeper_server.backup.role_documents import RoleDocument
from ecrkeeper_server.backup.stream import StreamError, Writer
from ecrkeeper_server.errors import InvalidArgument
from ecrkeeper_server.names import RegistryName, RoleName
from ecrkeeper_server.roles.plan import RememberedRole
from ecrkeeper_server.settings.codec import settings_from_aws, settings_to_aws
from ecrkeeper_server.store.specs import DeclarationSpec, Mode, RoleSpec
from ecrkeeper_server.store.unit_of_work import Manager
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = RegistryName("000000000001", "eu-west-1")
HEAD = {"apiVersion": "ecrkeeper/v1"}
REGISTRY = {**HEAD, "kind": "Registry", "name": str(NAME)}
ROLE = {**HEAD, "kind": "ServiceLinkedRole", "name": "accounts/000000000001/serviceLinkedRoles/replication"}
RULES = {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}


def through_yaml(document: dict[str, Any]) -> dict[str, Any]:
    out = io.BytesIO()
    writer = Writer(out)
    writer.write(document)
    writer.end()
    out.seek(0)
    ((number, back),) = stream.read(out)
    assert number == 2, "the first one begins the export"
    return dict(back.value)


def normal(shapes: dict[str, Any]) -> dict[str, Any]:
    return settings_to_aws(settings_from_aws(shapes))


def test_registry_with_all_settings_round_trips() -> None:
    policy = '{\n  "Version": "2012-10-17",\n  "Statement": [{"Sid": "a", "Effect": "Allow",\n "Principal": {"AWS": "222222222222"}, "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:eu-west-1:000000000001:repository/*"}]\n}\n'
    shapes = normal(
        {
            "registry_policy": {"policyText": policy},
            "replication_configuration": {
                "rules": [{"destinations": [{"region": "us-east-1", "registryId": "000000000001"}], "deleteReplication": {"enabled": False}}]
            },
            "scanning_configuration": {"scanType": "ENHANCED", "rules": [{"scanFrequency": "CONTINUOUS_SCAN", "repositoryFilters": [{"filter": "*", "filterType": "WILDCARD"}]}]},
            "pull_through_cache_rules": {"rules": [{**RULES["rules"][0], "upstreamRegistry": "quay"}]},
            "repository_creation_templates": {"templates": [{"prefix": "ROOT", "appliedFor": ["REPLICATION"], "description": "yes", "customRoleArn": "arn:aws:iam::000000000001:role/t", "resourceTags": [{"Key": "on", "Value": "0123"}]}]},
            "account_settings": {"settings": [{"name": "BLOB_MOUNTING", "value": "ENABLED"}]},
            "pull_time_update_exclusions": {"principalArns": []},
            "signing_configuration": {"rules": [{"signingProfileArn": "arn:aws:signer:eu-west-1:000000000001:/signing-profiles/release"}]},
        }
    )  # fmt: skip
    document = RegistryDocument(
        NAME,
        "OBSERVE",
        "PRUNE",
        {"team-a": DeclarationSpec(shapes, "ABANDON", True, "web"), "b": DeclarationSpec({}, "REMOVE", False)},
    )
    assert documents.read(through_yaml(document.to_json())) == document


def test_role_round_trips_without_description() -> None:
    name = RoleName("000000000001", "replication")
    for spec in ({}, {"description": ""}, {"description": "über\nzwei Zeilen"}):
        full = {"mode": Mode.PAUSED, "tags": {"no": "0x1", "b": ""}, **spec}
        remembered = RememberedRole("AROA1", "CREATED")
        document = RoleDocument(name, RoleSpec(**full), frozenset(full), remembered)
        assert documents.read(through_yaml(document.to_json())) == document


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@settings(max_examples=300)
def test_any_text_survives_yaml(text: str) -> None:
    assert through_yaml({"tags": {"k": text}})["tags"]["k"] == text


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), st.booleans(), max_size=4
    )
)
@settings(max_examples=100)
def test_any_name_survives_yaml(names: dict[str, bool]) -> None:
    assert through_yaml({"tags": names})["tags"] == names


@pytest.mark.parametrize("spelling", ["pullThroughCacheRules", "pull_through_cache_rules"])
def test_settings_accept_aws_and_api_spelling(spelling: str) -> None:
    read = documents.read({**REGISTRY, "declarations": {"team-a": {"settings": {spelling: RULES}}}})
    assert isinstance(read, RegistryDocument)
    assert read.specs["team-a"].settings == {"pull_through_cache_rules": RULES}
    assert read.specs["team-a"].deletion_policy == "REMOVE"


@pytest.mark.parametrize("absent", [{}, {"mode": None, "unmanagedElements": None, "tags": None, "description": None}])
def test_absent_fields_are_not_written(absent: dict[str, None]) -> None:
    registry = {name: value for name, value in absent.items() if name in ("mode", "unmanagedElements")}
    role = {name: value for name, value in absent.items() if name != "unmanagedElements"}
    assert documents.read({**REGISTRY, **registry}) == RegistryDocument(NAME, None, None)
    name = RoleName("000000000001", "replication")
    assert documents.read({**ROLE, **role}) == RoleDocument(name, RoleSpec(), frozenset())
    assert documents.read({**ROLE, "tags": {}}) == RoleDocument(name, RoleSpec(), frozenset({"tags"}))


@pytest.mark.parametrize("name", ["unmanagedElements", "foreignElements"])
@pytest.mark.parametrize("word", ["PRESERVE", "PRUNE"])
def test_registry_accepts_former_name_of_unmanaged_elements(name: str, word: str) -> None:
    assert documents.read({**REGISTRY, name: word}) == RegistryDocument(NAME, None, word)


SETTINGS = {**HEAD, "kind": "RegistrySettings", "name": f"{NAME}/settings/team-a"}
POLICY = {"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": ["ecr:ReplicateImage"], "Resource": "arn:aws:ecr:eu-west-1:000000000001:repository/*"}]}  # fmt: skip


def test_declaration_of_one_owner_is_a_registry_with_one_owner() -> None:
    one = documents.read({**SETTINGS, "deletionPolicy": "ABANDON", "settings": {"pullThroughCacheRules": RULES}})
    assert one == documents.read(
        {
            **REGISTRY,
            "declarations": {"team-a": {"deletionPolicy": "ABANDON", "settings": {"pullThroughCacheRules": RULES}}},
        }
    )
    assert documents.read({**SETTINGS, "settings": {}}, "other").to_json()["declarations"].keys() == {"other"}


@pytest.mark.parametrize(
    ("written", "expected", "reason"),
    [
        ({"pullThroughCacheRules": RULES["rules"]}, {"pullThroughCacheRules": RULES}, "a list as AWS answers it"),
        ({"pullTimeUpdateExclusions": []}, {"pullTimeUpdateExclusions": {"principalArns": []}}, "an empty list"),
        ({"registryPolicy": {"policyText": POLICY}}, {"registryPolicy": {"policyText": json.dumps(POLICY, separators=(",", ":"))}}, "a policy"),
        (
            {"repositoryCreationTemplates": [{"prefix": "ROOT", "appliedFor": ["REPLICATION"], "lifecyclePolicy": {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}, "action": {"type": "expire"}}]}}]},
            {"repositoryCreationTemplates": {"templates": [{"prefix": "ROOT", "appliedFor": ["REPLICATION"], "lifecyclePolicy": '{"rules":[{"rulePriority":1,"selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":1},"action":{"type":"expire"}}]}'}]}},
            "a lifecycle policy",
        ),
    ],
)  # fmt: skip
def test_settings_are_read_as_people_write_them(written: Any, expected: Any, reason: str) -> None:
    assert documents.read({**SETTINGS, "settings": written}) == documents.read({**SETTINGS, "settings": expected}), (
        reason
    )


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        (SETTINGS, ["settings"]),
        ({**SETTINGS, "settings": {}, "mode": "PAUSED"}, ["mode"]),
        ({**SETTINGS, "settings": {"nothing": {}}, "name": str(NAME)}, ["name", "settings.nothing"]),
        ({**SETTINGS, "settings": {"registryPolicy": {"policyText": {**POLICY, "Version": "1999"}}}}, ["settings.registry_policy.policy_text.Version"]),
    ],
)  # fmt: skip
def test_errors_of_a_declaration_name_its_members(document: dict[str, Any], fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        documents.read(document)
    assert [violation.field for violation in caught.value.violations] == fields


@pytest.mark.parametrize(
    ("second", "owners", "reason"),
    [
        ({**SETTINGS, "name": f"{NAME}/settings/team-b", "settings": {}}, {"team-a", "team-b"}, "another owner"),
        ({**SETTINGS, "settings": {}}, None, "the same owner twice"),
        ({**REGISTRY, "mode": "PAUSED"}, None, "the mode comes after an owner"),
        ({**ROLE}, None, "a role"),
    ],
)
def test_neighbours_of_one_registry_are_merged(second: dict[str, Any], owners: set[str] | None, reason: str) -> None:
    merged = documents.merged(documents.read({**SETTINGS, "settings": {}}), documents.read(second))
    assert (merged and set(merged.specs)) == owners, reason  # type: ignore[union-attr]


def test_declarations_of_one_owner_keep_their_registry_sets() -> None:
    parsed = [
        documents.read(
            {**SETTINGS, "name": f"{NAME}/settings/{owner}", "settings": {}, "managedBy": f"registrySets/{owner}", "setRevision": "3"}
        )
        for owner in ("team-a", "team-b")
    ]  # fmt: skip
    both = documents.merged(*parsed)
    assert isinstance(both, RegistryDocument)
    assert both.managers == {owner: Manager(f"registrySets/{owner}", 3) for owner in ("team-a", "team-b")}
    assert documents.read(both.to_json()) == both


def test_empty_setting_differs_from_absent_one() -> None:
    read = documents.read({**REGISTRY, "declarations": {"team-a": {"settings": {"replicationConfiguration": {}}}}})
    assert isinstance(read, RegistryDocument)
    assert read.specs["team-a"].settings == {"replication_configuration": {}}


def declared(**settings: Any) -> dict[str, Any]:
    return {**REGISTRY, "declarations": {"team-a": {"settings": settings}}}


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ("text", [""]),
        ({}, ["apiVersion", "kind"]),
        ({**REGISTRY, "apiVersion": "ecrkeeper/v2"}, ["apiVersion"]),
        ({**HEAD, "kind": "Registry"}, ["name"]),
        ({**REGISTRY, "kind": ["Registry"]}, ["kind"]),
        ({**REGISTRY, "name": 7, "mode": "enforce", "unmanagedElements": "KEEP", "more": 1}, ["more", "mode", "unmanagedElements", "name", "name"]),
        ({**REGISTRY, "foreignElements": "KEEP"}, ["foreignElements"]),
        ({**REGISTRY, "foreignElements": "PRUNE", "unmanagedElements": "PRUNE"}, ["foreignElements"]),
        ({**ROLE, "foreignElements": "PRUNE"}, ["foreignElements"]),
        ({**REGISTRY, "declarations": ["team-a"]}, ["declarations"]),
        ({**REGISTRY, "declarations": {"team-a": 5}}, ["declarations.team-a"]),
        ({**SETTINGS, "settings": {}, "managedBy": "registrySets/other"}, ["managedBy"]),
        ({**REGISTRY, "declarations": {"Team": {}, "x-": {}}}, ["declarations.Team", "declarations.x-"]),
        ({**REGISTRY, "declarations": {1: {}}}, ["declarations.1"]),
        (
            {**REGISTRY, "declarations": {"a": {"deletionPolicy": "KEEP", "allowReplacement": "yes", "settings": 1, "x": 1}}},
            ["declarations.a.x", "declarations.a.deletionPolicy", "declarations.a.allowReplacement", "declarations.a.settings"],
        ),
        (declared(nothing={}), ["declarations.team-a.settings.nothing"]),
        (declared(replicationConfiguration={}, replication_configuration={}), ["declarations.team-a.settings.replication_configuration"]),
        (
            declared(replicationConfiguration={"rules": [{"destinations": [{"region": "us-east-1", "registryId": 111111111111}]}]}),
            ["declarations.team-a.settings.replicationConfiguration.rules[0].destinations[0].registryId"],
        ),
        (
            declared(scanningConfiguration={"scanType": "DEEP", "rules": []}),
            ["declarations.team-a.settings.scanningConfiguration.scanType=DEEP"],
        ),
        (
            declared(pullThroughCacheRules={"rules": [{"ecrRepositoryPrefix": "UPPER", "upstreamRegistryUrl": "quay.io"}]}),
            ["declarations.team-a.settings.pull_through_cache_rules.rules[0].ecr_repository_prefix"],
        ),
        (
            declared(accountSettings={"settings": [{"name": "BLOB_MOUNTING", "value": "MAYBE"}]}),
            ["declarations.team-a.settings.account_settings.settings[0].value"],
        ),
        ({**ROLE, "name": "accounts/000000000001/serviceLinkedRoles/other"}, ["name"]),
        ({**ROLE, "mode": "X", "tags": {"aws:a": "b"}, "description": 1}, ["mode", "description", "service_linked_role.tags"]),
        ({**ROLE, "tags": {"n": 1}}, ["tags.n"]),
        ({**ROLE, "description": "x" * 1001}, ["description"]),
        ({**ROLE, "remembered": {"roleId": "AROA1", "provenance": "FOUND", "x": 1}}, ["remembered.x", "remembered.provenance"]),
    ],
)  # fmt: skip
def test_errors_have_paths(document: Any, fields: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        documents.read(document)
    violated = list(dict.fromkeys(v.field for v in caught.value.violations))
    assert violated == list(dict.fromkeys(fields))
    assert all(v.description for v in caught.value.violations)


def test_owner_option_replaces_the_only_owner() -> None:
    one = {**REGISTRY, "declarations": {"team-a": {"settings": {"pullThroughCacheRules": RULES}}}}
    read = documents.read(one, "team-z")
    assert isinstance(read, RegistryDocument)
    assert list(read.specs) == ["team-z"]
    with pytest.raises(InvalidArgument, match="has 2 owners"):
        documents.read({**REGISTRY, "declarations": {"a": {}, "b": {}}}, "team-z")


EXPORT, END = "apiVersion: ecrkeeper/v1\nkind: Export\n---\n", "---\nkind: End\ndocuments: {}\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "has no documents"),
        (EXPORT + "kind: Registry\n", "truncated after document 2"),
        (EXPORT + "kind: Registry\n" + END.format(2), "has 1 documents, and its last document declares 2"),
        (EXPORT + "kind: Registry\n" + END.format(1) + "---\nkind: Registry\n", "after the end"),
        ("kind: Registry\n---\na: [\n", "document 2 is not valid YAML"),
        ("a: !!python/object/apply:os.system ['true']\n", "document 1 is not valid YAML"),
        ("\x00", "document 1 is not valid YAML"),
    ],
)
def test_incomplete_stream_is_rejected(text: str, reason: str) -> None:
    with pytest.raises(StreamError, match=reason):
        list(stream.read(io.BytesIO(text.encode())))


def test_handwritten_file_needs_no_header_or_footer() -> None:
    assert [number for number, _ in stream.read(io.BytesIO(b"---\nkind: A\n---\n---\nkind: B\n"))] == [1, 3]


class Endless(io.RawIOBase):
    """A file of unlimited documents that counts the bytes read."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "nobody may ask for the whole file"
        text = b"---\nkind: Registry\n" * (size // 20 + 1)
        self.taken += size - size % 19
        return text[: size - size % 19]


def test_documents_are_read_lazily() -> None:
    source = Endless()
    for number, _ in stream.read(source):  # type: ignore[arg-type]
        assert source.taken - number * 19 < 100_000
        if number == 20_000:
            break
