"""Each page is followed from the first block to the last, with running programs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import ecrkeeper
import pytest
import trustme
import yaml
from ecrkeeper_server.access.policy_file import parse

from tests import harness
from tests.docs.blocks import ROOT, Reading
from tests.docs.stage import Made, Stage
from tests.e2e.secured import secured
from tests.fleet.test_organization import ORGANIZATION_POLICY
from tests.issuer import AUDIENCE, serving

ACCOUNT, REGION = "111111111111", "us-east-1"
REGISTRY = f"accounts/{ACCOUNT}/registries/{REGION}"
SERVED = "127.0.0.1:50051"
CACHE = {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}


@contextmanager
def served_example() -> Iterator[tuple[str, list[str]]]:
    """`make serve` on free ports: its gRPC address, and the suggested commands."""
    command = [harness.program("python"), "examples/serve.py", "--sim-port", "0", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(
        [*command, "--metrics", "127.0.0.1:0"], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        try:
            output: list[str] = []
            for line in running.stdout or ():
                output.append(line)
                if "until Ctrl-C" in line:
                    break
            text = "".join(output).replace("\\\n", " ")
            commands = [line.strip() for line in text.splitlines() if ".venv/bin/" in line]
            yield next(line for line in commands if "grpcurl" in line).split()[2], commands
        finally:
            running.terminate()
            assert running.wait(30) == 0


def test_readme(stage: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("README.md")
    demo, serve = (line.partition("#")[0].split() for line in page.next("sh", "make demo").text.splitlines())
    assert (demo, serve) == (["make", "demo"], ["make", "serve"])
    # The tests use this environment, so it is not recreated.
    subprocess.run([*demo, "-C", str(ROOT), "-o", ".venv/.installed"], check=True, capture_output=True, timeout=60)
    with served_example() as (target, commands):
        staged = stage({SERVED: target}, ECRKEEPER_DATABASE_URL="sqlite:///ecrkeeper.db")
        staged.python(page.next("python", "wait_until_synced"))
        assert "pull_through_cache_rules ecr-public ['team-web']" in capsys.readouterr().out
        assert "// Returns one registry" in staged.shell(page.next("sh", "describe"))
        assert json.loads(staged.shell(page.next("sh", "GetRegistry")))["name"] == REGISTRY
        for command in commands:
            subprocess.run(command, shell=True, check=True, cwd=staged.folder, env=staged.environment, timeout=60)
        assert len(commands) == 7
        _declare_what_aws_prints(staged, target, commands[-1])
        _write_as_grpcurl_wants_it(staged, target)
    staged.shell(page.next("sh", "ecrkeeper-server serve"))
    page.ended()


def _declare_what_aws_prints(staged: Stage, target: str, describe: str) -> None:
    """The output of `aws ecr describe-registry` can be declared unchanged."""
    assert "aws --endpoint-url" in describe
    shown = subprocess.run(describe, shell=True, check=True, cwd=staged.folder, capture_output=True, timeout=60).stdout
    settings = json.loads(shown)
    assert settings["registryId"] == ACCOUNT
    assert settings["replicationConfiguration"]["rules"]
    with ecrkeeper.Client(target, insecure=True) as client:
        client.apply_registry_settings(f"{REGISTRY}/settings/team-same", settings)
        assert client.wait_until_synced(f"{REGISTRY}/settings/team-same", 30).name == REGISTRY


def _write_as_grpcurl_wants_it(staged: Stage, target: str) -> None:
    """Names are JSON names, and a mask is a message."""

    def update(mode: str) -> subprocess.CompletedProcess[str]:
        request = {"registry": {"name": REGISTRY, "mode": mode}, "updateMask": {"paths": ["mode"]}}
        command = ["grpcurl", "-plaintext", "-d", json.dumps(request), target]
        service = "ecrkeeper.v1.RegistrySettingsService/UpdateRegistry"
        return subprocess.run(
            [*command, service], cwd=staged.folder, env=staged.environment, capture_output=True, text=True, check=False
        )

    assert json.loads(update("PAUSED").stdout)["mode"] == "PAUSED"
    assert "MODE_PAUSED" in update("MODE_PAUSED").stderr


def test_aws_json(
    stage: Made, server: harness.Server, aws: harness.Simulator, capsys: pytest.CaptureFixture[str]
) -> None:
    page = Reading("docs/aws-json.md")
    staged = stage({})
    ecr = boto3.client(
        "ecr",
        endpoint_url=aws.url,
        region_name=REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="any",
    )
    ecr.create_pull_through_cache_rule(**CACHE["rules"][0])
    with ecrkeeper.Client(server.address, insecure=True) as client:
        staged.names.update(client=client, ecr=ecr, ecrkeeper=ecrkeeper)
        staged.python(page.next("python", "apply_registry_settings"))
        staged.python(page.next("python", "to_aws"))
    assert capsys.readouterr().out == "quay\n"
    page.ended()


def test_audit(stage: Made, server: harness.Server, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("docs/audit.md")
    staged = stage({SERVED: server.address})
    web = f"accounts/{ACCOUNT}/registries/eu-west-1"
    with ecrkeeper.Client(server.address, insecure=True) as client:
        client.apply_registry_settings(f"{web}/settings/team-web", {"pullThroughCacheRules": CACHE})
        client.wait_until_synced(web, 30)
        shown = staged.shell(page.next("sh", "ListAuditEvents"))
        assert shown.count("CreatePullThroughCacheRule") >= 2, "in the list and in the stream"
        staged.names["client"] = client
        staged.python(page.next("python", "list_audit_events"))
    assert "UpdateRegistrySettings ['quay']" in capsys.readouterr().out
    page.ended()


def test_permissions(stage: Made) -> None:
    page = Reading("docs/permissions.md")
    staged = stage({})
    output = staged.shell(page.next("sh", "iam-policy"))
    documents = _documents(output)
    assert len(documents) == 5
    assert all(document["Version"] == "2012-10-17" for document in documents)
    template = yaml.safe_load((staged.folder / "role.yaml").read_text())
    assert "ExternalId" in template["Parameters"]
    page.ended()


def _documents(text: str) -> list[Any]:
    """Return the JSON documents that follow each other in a text."""
    documents, rest = [], text.strip()
    while rest:
        document, end = json.JSONDecoder().raw_decode(rest)
        documents.append(document)
        rest = rest[end:].strip()
    return documents


def test_security(stage: Made, aws: harness.Simulator, tmp_path: Path) -> None:
    page = Reading("docs/security.md")
    staged = stage({})
    (shown,) = parse(page.next("yaml", "rules:").text.encode()).rules
    assert shown in parse((ROOT / "examples" / "policy.yaml").read_bytes()).rules
    staged.console(page.next("console", "check-access"))
    servers, clients = trustme.CA(), trustme.CA()
    certificate = clients.issue_cert("build.example.com")
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    servers.cert_pem.write_to_path(staged.folder / "ca.pem")
    with serving() as issuer:
        issuer.add_key("first")
        tokens = {"jwt_issuer": issuer.url, "jwt_audience": AUDIENCE, "jwt_principal_prefix": "oidc:"}
        both, alone = tmp_path / "both", tmp_path / "alone"
        for folder in (both, alone):
            folder.mkdir()
        with secured(both, aws, servers, **tokens, tls_client_ca_file=tmp_path / "clients.pem") as live:
            staged.addresses["ecrkeeper.example:443"] = live.server.address
            staged.names |= {
                "ca": servers.cert_pem.bytes(),
                "private_key": certificate.private_key_pem.bytes(),
                "certificate": b"".join(blob.bytes() for blob in certificate.cert_chain_pems),
                "current_token": issuer.token,
            }
            staged.python(page.next("python", "ssl_channel_credentials"))
            assert staged.names["regions"]
        with secured(alone, aws, servers, **tokens) as live:
            staged.addresses["ecrkeeper.example:443"] = live.server.address
            staged.environment["TOKEN"] = issuer.token()
            assert "ecrkeeper.v1.RegistrySettingsService" in staged.shell(page.next("sh", "grpcurl"))
    page.ended()


def test_simulated_aws(stage: Made, aws: harness.Simulator) -> None:
    page = Reading("docs/simulated-aws.md")
    staged = stage(
        {
            "http://127.0.0.1:4566 ": f"{aws.url} ",
            "http://127.0.0.1:4566/": f"{aws.url}/",
            "ecrkeeper-sim  ": "ecrkeeper-sim --port 0  ",
        }
    )
    assert f'"registryId": "{ACCOUNT}"' in staged.shell(page.next("sh", "ecrkeeper-sim"))
    staged.python(page.next("python", "async with serve()"))
    assert staged.names["answer"]["registryId"] == ACCOUNT
    staged.python(page.next("python", "from ecrkeeper_testing import"))
    assert [rule["ecrRepositoryPrefix"] for rule in staged.names["in_aws"]] == ["quay"]
    assert "CreatePullThroughCacheRule" in staged.names["calls"]
    (staged.folder / "test_users.py").write_text(page.next("python", "pytest_plugins").text)
    pytest_command = [
        harness.program("python"),
        "-m",
        "pytest",
        "-q",
        "--rootdir=.",
        "--confcutdir=.",
        "-c",
        "/dev/null",
        "test_users.py",
    ]
    done = subprocess.run(pytest_command, cwd=staged.folder, capture_output=True, text=True, timeout=120, check=False)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "PutAccountSetting" in staged.shell(page.next("sh", "sqs receive-message"))
    (state,) = _documents(page.next("json", "blobMounting").text)
    aws.seed(state)
    kept = aws.registry()
    assert set(state) <= set(kept)
    assert kept["pullThroughCacheRules"][0]["upstreamRegistryUrl"] == "quay.io"
    rules = _documents(page.next("json", "throttle").text)
    aws.control("POST", "faults", rules)
    assert [rule["kind"] for rule in aws.control("GET", "faults")["faults"]] == ["throttle", "answer"]
    (route,) = _documents(page.next("json", "rewrite_envelope").text)
    shown = aws.control("PUT", "events/routes", {"routes": [{"queue": route["queue"]}]})["routes"]
    assert shown == [{**route, "accounts": None, "regions": None}]
    (event,) = _documents(page.next("json", "detail_type").text)
    assert aws.control("POST", "events", event)["events"][0]["detail"]["result"] == "FAILED"
    faults = _documents(page.next("json", "event_name").text)
    assert aws.control("POST", "events/faults", faults)["faults"][0]["count"] == 3
    page.ended()


def test_fleet(stage: Made, server: harness.Server, capsys: pytest.CaptureFixture[str]) -> None:
    page = Reading("docs/fleet.md")
    staged = stage({})
    with ecrkeeper.Client(server.address, insecure=True, timeout=60) as client:
        staged.names.update(client=client, ecrkeeper=ecrkeeper)
        staged.python(page.next("python", "create_registry_set"))
        shown = capsys.readouterr().out.splitlines()
        assert shown[0] == "4 registries: add pull_through_cache_rules quay"
        assert shown[-1].startswith("SUCCEEDED")
        client.delete_registry_set("registrySets/quay", allow_removals=4)
    (document,) = _documents(page.next("json", "organizations:ListAccounts").text)
    assert document == ORGANIZATION_POLICY
    page.ended()
