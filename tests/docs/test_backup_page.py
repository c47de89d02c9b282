"""docs/backup.md from the first block to the last: export, copies, recovery."""

from __future__ import annotations

import subprocess

import boto3
import ecrkeeper
import pytest

from tests import harness, postgres
from tests.docs.blocks import ROOT, Reading
from tests.docs.stage import Made, Stage

ACCOUNT, REGION = "111111111111", "us-east-1"
REGISTRY = f"accounts/{ACCOUNT}/registries/{REGION}"
SERVED = "127.0.0.1:50051"
CACHE = {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io"}]}
# sqlite3's command, for machines that lack it.
SQLITE = """
import re, sqlite3, sys
name = re.fullmatch(r"\\.backup (\\S+)", sys.argv[2])[1]
sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(name))
"""


def test_backup(
    stage: Made,
    aws: harness.Simulator,
    server: harness.Server,
    cluster: postgres.Postgres,
    postgres_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = Reading("docs/backup.md")
    staged = stage({SERVED: server.address}, ECRKEEPER_DATABASE_URL="sqlite:///ecrkeeper.db")
    for name in ("pg_dump", "pg_restore"):
        (staged.programs / name).symlink_to(postgres.program(name))
    staged.stand_in("sqlite3", SQLITE)
    _command(staged, "ecrkeeper-server", "import", str(ROOT / "tests" / "backup" / "export.yaml"))
    before = _command(staged, "ecrkeeper-server", "export")
    staged.shell(page.next("sh", "export > declarations.yaml"))
    assert _command(staged, "ecrkeeper-server", "export") == before
    (staged.folder / "shown.yaml").write_text(page.next("yaml", "kind: Registry").text)
    _command(staged, "ecrkeeper-server", "import", "shown.yaml")
    before = _command(staged, "ecrkeeper-server", "export")
    staged.shell(page.next("sh", "sqlite3"))
    staged.environment["ECRKEEPER_DATABASE_URL"] = "sqlite:///ecrkeeper-copy.db"
    assert _command(staged, "ecrkeeper-server", "export") == before
    _postgres(staged, page, cluster, postgres_url)
    _recovery(staged, page, aws, capsys)
    page.ended()


def _command(staged: Stage, *arguments: str) -> str:
    done = subprocess.run(
        arguments, cwd=staged.folder, env=staged.environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _postgres(staged: Stage, page: Reading, cluster: postgres.Postgres, url: str) -> None:
    """A dump can be restored, also from one of two servers."""
    name = url.rpartition("/")[2]
    staged.environment["ECRKEEPER_DATABASE_URL"] = url
    _command(staged, "ecrkeeper-server", "migrate")
    _command(staged, "ecrkeeper-server", "import", "shown.yaml")
    before = _command(staged, "ecrkeeper-server", "export")
    staged.shell(page.next("sh", "pg_restore"))
    assert _command(staged, "ecrkeeper-server", "export") == before
    # The first of the two hosts does not answer, as after a failover.
    staged.addresses["user:password@db1:5432,db2:5432/ecrkeeper"] = (
        f"postgres@127.0.0.1:1,127.0.0.1:{cluster.port}/{name}"
    )
    dump = staged.folder / "ecrkeeper.dump"
    dump.unlink()
    staged.shell(page.next("sh", "db1:5432,db2:5432"))
    assert dump.read_bytes().startswith(b"PGDMP")
    # scaling.md uses another form, which ecrkeeper accepts.
    own = (
        f"postgresql://postgres@/{name}?host=127.0.0.1:1&host=127.0.0.1:{cluster.port}&target_session_attrs=read-write"
    )
    staged.environment["ECRKEEPER_DATABASE_URL"] = own
    assert _command(staged, "ecrkeeper-server", "export") == before
    rejected = subprocess.run(["pg_dump", own], env=staged.environment, capture_output=True, check=False, timeout=60)
    assert rejected.returncode != 0


def _recovery(staged: Stage, page: Reading, aws: harness.Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """The lost database's settings are declared again from AWS, without a write."""
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "any", "region_name": REGION}
    iam = boto3.client("iam", endpoint_url=aws.url, **keys)
    iam.create_service_linked_role(AWSServiceName="replication.ecr.amazonaws.com")
    rule = {"destinations": [{"region": "us-west-2", "registryId": ACCOUNT}]}
    aws.seed({"replicationConfiguration": {"rules": [rule]}, "pullThroughCacheRules": CACHE["rules"]})
    since = aws.position()
    staged.python(page.next("python", "import_registry_settings"))
    client: ecrkeeper.Client = staged.names["client"]
    client.wait_until_synced(REGISTRY, 30)
    client.apply_registry_settings(f"{REGISTRY}/settings/team-web", {"pullThroughCacheRules": CACHE})
    capsys.readouterr()
    staged.python(page.next("python", "ABANDON"))
    listed = capsys.readouterr().out.splitlines()
    # The simulated AWS starts with the newer scope, which is not the default.
    assert listed == ["account_settings REGISTRY_POLICY_SCOPE", f"replication_configuration {ACCOUNT}/us-west-2:"]
    client.wait_until_synced(REGISTRY, 30)
    assert [element.setting for element in client.get_registry(REGISTRY).elements] == ["pull_through_cache_rules"]
    role = f"accounts/{ACCOUNT}/serviceLinkedRoles/replication"
    staged.python(page.next("python", "create_service_linked_role"))
    with ecrkeeper.Client(staged.addresses[SERVED], insecure=True) as other:
        reconciled = other.reconcile_service_linked_role(role).result(30)
    assert reconciled.provenance == ecrkeeper.ServiceLinkedRole.ADOPTED
    assert aws.writes(since) == []
