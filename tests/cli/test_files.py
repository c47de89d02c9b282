"""Declaration files, and the schema that editors use.

The tests show which content is read, and which is rejected and where.
"""

from __future__ import annotations

import io
import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ecrkeeper.v1 import settings_pb2
from ecrkeeper_files import documents, settings_shapes, sources
from ecrkeeper_files.convert import converted
from ecrkeeper_files.sources import Errors, Text, texts
from ecrkeeper_files.written import dump
from ecrkeeper_server.backup import documents as stored

ROOT = Path(__file__).parents[2]
NAME = "accounts/111111111111/registries/us-east-1"
HEAD = "apiVersion: ecrkeeper/v1\n"
ONE = f"{HEAD}kind: RegistrySettings\nname: {NAME}/settings/team-a\n"
REGISTRY = f"{HEAD}kind: Registry\nname: {NAME}\n"
ROLE = f"{HEAD}kind: ServiceLinkedRole\nname: accounts/111111111111/serviceLinkedRoles/replication\n"
SCHEMA = json.loads((ROOT / "client/ecrkeeper_files/schema.json").read_text())
EXAMPLES = sorted((ROOT / "examples/two-accounts").glob("*.yaml"))
SECRET = "arn:aws:secretsmanager:us-east-1:111111111111:secret:ecr-pullthroughcache/docker-hub"


def read(content: str, **variables: str) -> documents.Documents:
    return documents.read([Text("f.yaml", content.encode(), variables or None)])


def test_kinds_are_read() -> None:
    parsed = read(
        f"{ONE}deletionPolicy: ABANDON\nsettings: {{signingConfiguration: {{}}}}\n---\n"
        f"{REGISTRY}mode: OBSERVE\ndeclarations: {{team-b: {{settings: {{}}}}}}\n---\n{ROLE}tags: {{team: a}}\n"
    )
    assert parsed.declarations == (
        documents.Declaration(f"{NAME}/settings/team-a", {"signingConfiguration": {}}, "ABANDON"),
        documents.Declaration(f"{NAME}/settings/team-b", {}),
    )
    assert parsed.declarations[0].registry == NAME
    assert parsed.declarations[0].owner == "team-a"
    assert parsed.registries == (documents.Treatment("Registry", NAME, {"mode": "OBSERVE"}),)
    assert parsed.roles[0].members == {"tags": {"team": "a"}}


@pytest.mark.parametrize(
    ("content", "message", "reason"),
    [
        ("", "the files have no documents", "an empty file"),
        ("- a\n", "f.yaml:1: must be a mapping", "a list"),
        ("kind: Registry\n", "f.yaml:1: apiVersion: must be ecrkeeper/v1", "no version"),
        (f"{HEAD}kind: Settings\nname: a\n", "f.yaml:2: kind: must be one of RegistrySettings", "another kind"),
        (f"{HEAD}kind: RegistrySet\nname: a\n", "f.yaml:3: name: must look like registrySets/quay", "a wrong set"),
        (f"{HEAD}kind: [Registry]\nname: a\n", "f.yaml:2: kind: must be one of RegistrySettings", "a list of kinds"),
        (f"{HEAD}kind: Registry\n", "name: must be text such as accounts/", "no name"),
        (f"{ONE}", "settings: must be a mapping; {} declares nothing, got nothing", "no settings"),
        (f"{ONE}settings: {{}}\nmode: PAUSED\n", "f.yaml:5: mode: unknown member", "a member of another kind"),
        (ONE.replace("team-a", "Team") + "settings: {}\n", "f.yaml:3: name: must look like accounts/", "a wrong owner"),
        (f"{ONE}settings: {{}}\nallowReplacement: 'no'\n", "f.yaml:5: allowReplacement: must be true", "no boolean"),
        (f"{ONE}settings: {{}}\n---\n{ONE}settings: {{}}\n", "is declared in f.yaml:1 already", "a repeated name"),
        (
            f"{ONE}settings: {{}}\n---\n{REGISTRY}declarations: {{team-a: {{settings: {{}}}}}}\n",
            "team-a is declared in f.yaml:1 already",
            "a repeated name of another kind of document",
        ),
        (f"{REGISTRY}foreignElements: PRUNE\n", "run: ecrkeeper convert FILE", "an export of 0.1"),
        ('{"owner": "a", "registries": {}}', "run: ecrkeeper convert FILE", "an example of 0.1"),
        (
            f"{REGISTRY}declarations: {{a: {{settings: {{}}, managedBy: registrySets/a}}}}\n",
            "f.yaml:4: declarations.a.managedBy: declarations of a registry set are read by `ecrkeeper-server import`",
            "an export of a fleet",
        ),
        (f"{REGISTRY}declarations: [a]\n", "declarations: must be a mapping of owners", "a list of owners"),
        (f"{REGISTRY}declarations: {{A: {{}}}}\n", "declarations.A: an owner has small letters", "a wrong owner"),
        ("a: [\n", "f.yaml:2: ", "no YAML"),
        ("a: 1\na: 2\n", "f.yaml:2: the key 'a' is repeated", "a repeated key"),
        (f"{HEAD}kind: Export\n---\n{REGISTRY}", "is truncated after document 2", "half an export"),
        (
            f"{HEAD}kind: Export\n---\n{HEAD}kind: End\ndocuments: 2\n",
            "has 0 documents, and its last document declares 2",
            "a wrong count",
        ),
    ],
)
def test_wrong_file_is_rejected_with_its_line(content: str, message: str, reason: str) -> None:
    with pytest.raises(Errors) as caught:
        read(content)
    assert any(message in each for each in caught.value.errors), (reason, caught.value.errors)


def test_all_errors_are_named_at_once() -> None:
    with pytest.raises(Errors) as caught:
        read(f"{ONE}mode: A\n---\n{REGISTRY}x: 1\ny: 1\n")
    assert [each.split(":")[2].strip() for each in caught.value.errors] == ["mode", "x", "y"]


def test_export_is_a_declaration_file() -> None:
    content = (ROOT / "tests/backup/export.yaml").read_bytes()
    parsed = documents.read([Text("export.yaml", content)])
    assert [len(parsed.declarations), len(parsed.registries), len(parsed.roles)] == [4, 3, 2]


def test_variables_are_replaced_only_when_given() -> None:
    content = ONE + "settings: {registryPolicy: {policyText: '${A} $${A} ${aws:SourceOrgID}'}}\n"
    assert read(content).declarations[0].settings["registryPolicy"]["policyText"].startswith("${A}")
    filled = read(content, A="x: ]").declarations[0].settings["registryPolicy"]["policyText"]
    assert filled == "x: ] ${A} ${aws:SourceOrgID}"
    with pytest.raises(Errors, match=r"f.yaml:4: settings.registryPolicy.policyText: the variable A is not set"):
        read(content, B="")


def test_folders_and_standard_input_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(REGISTRY)
    (tmp_path / "readme.md").write_text("no")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.json").write_text("{}")
    read_texts = texts([str(tmp_path), "-"], io.BytesIO(ROLE.encode()))
    assert [Path(each.name).name for each in read_texts] == ["a.yaml", "<stdin>"]
    assert len(texts([str(tmp_path)], io.BytesIO(), recursive=True)) == 2
    (tmp_path / "empty").mkdir()
    with pytest.raises(Errors, match="no files ending in .yaml") as caught:
        texts([str(tmp_path / "empty"), str(tmp_path / "none")], io.BytesIO())
    assert len(caught.value.errors) == 2


def test_long_standard_input_is_an_error_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_MAX_BYTES", 1 << 20)
    (text,) = texts(["-"], io.BytesIO(b"#" * (1 << 20)))
    assert len(text.content) == 1 << 20
    with pytest.raises(Errors, match="<stdin>: has more than 1 MiB"):
        texts(["-"], io.BytesIO(b"#" * ((1 << 20) + 1)))


def test_lists_are_those_of_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    from ecrkeeper import _aws_answers

    own = {
        field.json_name: _aws_answers.list_field(field.message_type)
        for field in settings_pb2.Settings.DESCRIPTOR.fields
    }
    lists = {name: member for name, member in own.items() if member}
    assert {name: member for name, member in settings_shapes.LISTS.items() if name in own} == lists
    monkeypatch.syspath_prepend(ROOT / "protos")
    messages = runpy.run_path(str(ROOT / "protos" / "schema.py"))["LISTS"]
    assert messages == {name[0].upper() + name[1:]: member for name, member in lists.items()}


@pytest.mark.parametrize("name", ["team-payments", "team-platform"])
def test_example_of_0_1_converts_to_the_current_one(name: str) -> None:
    former = Path(__file__).parent / "data" / f"{name}.json"
    out = io.BytesIO()
    for document in converted(Text(former.name, former.read_bytes())):
        dump(document, out)
    assert out.getvalue() == (ROOT / f"examples/two-accounts/{name}.yaml").read_bytes()


def test_export_of_0_1_converts_to_the_current_form() -> None:
    former = ROOT / "tests/backup/export-0.1.0.yaml"
    out = io.BytesIO()
    for document in converted(Text(former.name, former.read_bytes())):
        dump(document, out)
    assert out.getvalue() == (ROOT / "tests/backup/export.yaml").read_bytes()


@pytest.mark.parametrize("path", [*EXAMPLES, ROOT / "tests/backup/export.yaml"], ids=lambda path: path.name)
def test_schema_accepts_shipped_files(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text().replace("${DOCKER_HUB_SECRET_ARN}", SECRET)):
        jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    ("content", "valid", "reason"),
    [
        (f"{ONE}settings: {{}}", True, "nothing is declared"),
        (f"{ONE}settings: {{pullTimeUpdateExclusions: []}}", True, "a list as AWS answers it"),
        (f"{ONE}settings: {{registryPolicy: {{policyText: {{Version: '1'}}}}}}", True, "a policy as an object"),
        (f"{ONE}settings: {{registryPolicy: {{policyText: '{{}}'}}}}", True, "a policy as text"),
        (f"{ONE}settings: {{registryPolicy: {{policyText: 1}}}}", False, "a policy as a number"),
        (f"{ONE}settings: {{scanningConfiguration: {{scanType: FAST}}}}", False, "an unknown value"),
        (f"{ONE}settings: {{scanningConfig: {{}}}}", False, "an unknown setting"),
        (f"{ONE}", False, "no settings"),
        (f"{ONE}settings: {{pullThroughCacheRules: [{{ecrRepositoryPrefix: a}}]}}", False, "required members"),
        (f"{REGISTRY}mode: PAUSE", False, "an unknown mode"),
        (f"{ROLE}tags: {{a: 1}}", False, "a tag that is no text"),
    ],
)
def test_schema_tells_valid_from_invalid(content: str, valid: bool, reason: str) -> None:
    errors = list(jsonschema.Draft7Validator(SCHEMA).iter_errors(yaml.safe_load(content)))
    assert (not errors) is valid, (reason, errors)


def test_schema_is_that_of_the_protos(tmp_path: Path) -> None:
    descriptors = ROOT / "server/ecrkeeper_server/api/descriptors.binpb"
    schema = tmp_path / "schema.json"
    subprocess.run([sys.executable, "protos/schema.py", descriptors, schema], cwd=ROOT, check=True, timeout=60)
    assert schema.read_text() == (ROOT / "client/ecrkeeper_files/schema.json").read_text()


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_server_imports_files_of_the_command_line(path: Path) -> None:
    text = Text(path.name, path.read_bytes(), {"DOCKER_HUB_SECRET_ARN": SECRET})
    by_name: dict[str, Any] = {each.name: each for each in documents.read([text]).declarations}
    stored_documents = [stored.read(value) for value, _ in text.documents()]
    assert sorted(f"{each.name}/settings/{owner}" for each in stored_documents for owner in each.specs) == sorted(
        by_name
    )  # type: ignore[union-attr]
