"""The generated code in programs with another copy of `buf/validate`."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import ecrkeeper.v1
import pytest
from ecrkeeper.v1 import audit_service_pb2, registry_pb2, settings_pb2
from ecrkeeper_server.declarations.message_rules import violations
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.message import Message

from tests.field_rules import RULES, compiled, rules_files, rules_of, with_rules

GENERATED = sorted(Path(ecrkeeper.v1.__file__).parent.glob("*_pb2.py"))
for _path in GENERATED:
    # The import adds the descriptors to the pool.
    importlib.import_module(f"ecrkeeper.v1.{_path.stem}")
# Another version than that of the client's protos, so its bytes differ.
OWN_COPY = """
import sys
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, field_mask_pb2, timestamp_pb2

def register():
    files = descriptor_pb2.FileDescriptorSet.FromString(sys.stdin.buffer.read())
    for file in files.file:
        if file.name == "buf/validate/validate.proto":
            file.message_type.add(name="OfAnotherVersion")
            descriptor_pool.Default().AddSerializedFile(file.SerializeToString())

def use():
    import ecrkeeper
    from ecrkeeper.v1 import registry_pb2, registry_settings_service_pb2, role_service_pb2, audit_service_pb2
    registry_pb2.Registry(name="accounts/123456789012/registries/eu-west-1").SerializeToString()

{order}
"""


@pytest.mark.parametrize("order", ["register(); use()", "use(); register()"])
def test_client_imports_with_other_copy_of_rules(order: str) -> None:
    script = OWN_COPY.replace("{order}", order)
    descriptors = rules_files().SerializeToString()
    done = subprocess.run([sys.executable, "-c", script], input=descriptors, capture_output=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr.decode()


def test_descriptors_import_no_rules_and_keep_their_bytes() -> None:
    pool = descriptor_pool.Default()
    files = [pool.FindFileByName(f"ecrkeeper/v1/{path.stem.removesuffix('_pb2')}.proto") for path in GENERATED]
    assert files
    for file in files:
        assert RULES not in [each.name for each in file.dependencies], file.name
    with pytest.raises(KeyError):
        pool.FindFileByName(RULES)
    assert rules_of(registry_pb2.Registry.DESCRIPTOR.fields_by_name["name"]).ByteSize() > 0


def test_generated_code_requires_no_newer_protobuf() -> None:
    for path in GENERATED:
        text = path.read_text()
        assert "_runtime_version.ValidateProtobufRuntimeVersion(" in text
        assert "# Protobuf Python Version: 6." in text, path.name


@pytest.mark.parametrize(
    ("message", "path", "reason"),
    [
        (settings_pb2.ReplicationDestination(region="!", registry_id="1" * 12), "region", "a pattern"),
        (audit_service_pb2.ListAuditEventsRequest(page_size=-1), "page_size", "a bound of a number"),
    ],
)
def test_rules_are_enforced_from_option_bytes(message: Message, path: str, reason: str) -> None:
    assert path in [each.field for each in violations(message)], reason


def test_proto_rules_are_in_descriptors() -> None:
    compared = 0
    for file in compiled().file:
        if file.name.startswith("ecrkeeper/"):
            copied = descriptor_pb2.FileDescriptorProto()
            descriptor_pool.Default().FindFileByName(file.name).CopyToProto(copied)
            expected, generated = _rules(file.message_type), _rules(copied.message_type)
            assert generated == expected, file.name
            compared += len([each for each in generated.values() if each])
    assert compared > 100


def _rules(kinds: Any, prefix: str = "") -> dict[str, str]:
    """Return the rules of messages, their fields and oneofs, as text."""
    rules: dict[str, str] = {}
    for kind in kinds:
        for each in (kind, *kind.field, *kind.oneof_decl):
            path = f"{prefix}{kind.name}" + ("" if each is kind else f".{each.name}")
            options = with_rules(each.options)
            options.DiscardUnknownFields()
            rules[path] = str(options)
        rules |= _rules(kind.nested_type, f"{prefix}{kind.name}.")
    return rules
