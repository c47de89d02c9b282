"""Recovery of a lost database from a backup, and from AWS."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import pytest
from ecrkeeper.v1.common_pb2 import Condition
from ecrkeeper.v1.role_pb2 import ServiceLinkedRole
from ecrkeeper_server.store.file_lock import locked

from tests import databases, harness
from tests.e2e.live import Live, Place, fresh_account, rules
from tests.harness import eventually

WEST, NORTH = "us-west-2", "eu-north-1"
PLATFORM, PAYMENTS, RECOVERED = "team-platform", "team-payments", "recovered"


class Ground:
    """A permanent simulated AWS, with servers and databases that come and go."""

    def __init__(self, aws: harness.Simulator, folder: Path, new_database: Callable[[], str]) -> None:
        self.aws = aws
        self.folder = folder
        self.account = fresh_account()
        self.new_database = new_database
        self.url = new_database()

    def command(self, *arguments: str) -> str:
        environment = {**os.environ, "ECRKEEPER_DATABASE_URL": self.url}
        done = subprocess.run(
            [harness.program("ecrkeeper-server"), *arguments],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def served(self, work: Callable[[Live, Place], Any]) -> Any:
        """Run a server on the current database during the block."""
        server = harness.Server(self.folder, self.url, self.aws.url)
        try:
            with ecrkeeper.Client(server.address, insecure=True) as client:
                live = Live(server, self.aws, client)
                return work(live, live.registry(self.account))
        finally:
            assert server.stop() == 0

    def lose_the_database(self) -> None:
        """Start with an empty database and a new server."""
        self.url = self.new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def ground(request: pytest.FixtureRequest, aws: harness.Simulator, tmp_path: Path) -> Iterator[Ground]:
    def new_database() -> str:
        if request.param == "sqlite":
            for old in tmp_path.glob("*.db*"):
                old.unlink()
        return databases.migrated(request, request.param, tmp_path)

    return Ground(aws, tmp_path, new_database)


def settings_by_owner(account: str) -> dict[str, dict[str, Any]]:
    """Return two owners' declarations, which share one replication pair."""
    shared = rules((account, WEST), prefix="shared/")["rules"]
    own = rules((account, NORTH), prefix="payments/")["rules"]
    cache = {"rules": [{"ecrRepositoryPrefix": "quay", "upstreamRegistryUrl": "quay.io", "upstreamRegistry": "quay"}]}
    return {
        PLATFORM: {"replication_configuration": {"rules": shared}, "pull_through_cache_rules": cache},
        PAYMENTS: {"replication_configuration": {"rules": shared + own}},
    }


def role_name(place: Place) -> str:
    return f"accounts/{place.account}/serviceLinkedRoles/replication"


def declare(live: Live, place: Place) -> None:
    """Declare both owners and the role beside an unmanaged rule and template."""
    unmanaged = {"ecrRepositoryPrefix": "by-hand", "upstreamRegistryUrl": "public.ecr.aws"}
    place.seed(pullThroughCacheRules=[unmanaged], templates=[{"prefix": "by-hand", "appliedFor": ["REPLICATION"]}])
    role = ServiceLinkedRole(description="for replication", tags={"team": "platform"})
    live.client.create_service_linked_role(f"accounts/{place.account}", "replication", service_linked_role=role)
    live.client.reconcile_service_linked_role(role_name(place)).result(timeout=30)
    for owner, settings in settings_by_owner(place.account).items():
        place.apply(settings, owner)
    place.keep(unmanaged_elements="PRESERVE")
    in_sync(live, place)


def in_sync(live: Live, place: Place) -> None:
    live.client.reconcile_registry(place.name).result(timeout=30)
    (synced,) = [c for c in place.read().conditions if c.type == "Synced"]
    assert synced.status == Condition.TRUE, synced


def elements(place: Place) -> dict[str, tuple[str, ...]]:
    """Return each element of the registry with its owners."""
    return {f"{e.setting} {e.key}": tuple(e.owners) for e in place.read().elements}


def in_aws(place: Place) -> Any:
    state = place.aws()
    return state["replicationConfiguration"], state["pullThroughCacheRules"]


def test_import_of_backup_restores_everything(ground: Ground) -> None:
    before = ground.served(lambda live, place: (declare(live, place), elements(place), in_aws(place))[1:])
    backup = ground.command("export")
    (ground.folder / "declarations.yaml").write_text(backup)
    ground.lose_the_database()
    since = ground.aws.position()
    ground.command("import", str(ground.folder / "declarations.yaml"))

    def recovered(live: Live, place: Place) -> None:
        in_sync(live, place)
        live.client.reconcile_service_linked_role(role_name(place)).result(timeout=30)
        assert (elements(place), in_aws(place)) == before
        assert place.writes(since) == []
        role = live.client.get_service_linked_role(role_name(place))
        assert role.provenance == ServiceLinkedRole.CREATED, "as the backup remembers"
        assert (role.description, dict(role.tags)) == ("for replication", {"team": "platform"})
        revisions = list(live.client.list_registry_settings_revisions(place.part(PLATFORM)))
        assert revisions[0].reason.startswith("document ")

    ground.served(recovered)
    assert ground.command("export") == backup


def test_state_can_be_redeclared_from_aws_without_backup(ground: Ground) -> None:
    """The procedure of docs/backup.md, step by step."""
    before = ground.served(lambda live, place: (declare(live, place), elements(place), in_aws(place))[1:])
    ground.lose_the_database()
    since = ground.aws.position()

    def recovered(live: Live, place: Place) -> None:
        client = live.client
        # 1. One owner declares everything, so that nothing is unmanaged or lost.
        client.import_registry_settings(place.name, RECOVERED)
        in_sync(live, place)
        assert set(elements(place).values()) == {(RECOVERED,)}
        # 2. Each team applies the declarations in its own files.
        for owner, settings in settings_by_owner(place.account).items():
            place.apply(settings, owner)
        in_sync(live, place)
        # 3. Elements that nobody applied become unmanaged and stay in AWS.
        imported = client.get_registry_settings(place.part(RECOVERED)).settings
        abandoned = client.update_registry_settings({"name": place.part(RECOVERED), "deletion_policy": "ABANDON"})
        assert abandoned.settings == imported
        client.delete_registry_settings(place.part(RECOVERED))
        in_sync(live, place)
        template = "repository_creation_templates by-hand"
        assert template not in elements(place), "nobody declares templates any more, so they are not read"
        assert {f"{e.setting} {e.key}": list(e.owners) for e in place.read(refresh=True).elements}[template] == []
        # 4. The role exists, so it is adopted.
        client.create_service_linked_role(f"accounts/{place.account}", "replication")
        client.reconcile_service_linked_role(role_name(place)).result(timeout=30)
        assert client.get_service_linked_role(role_name(place)).provenance == ServiceLinkedRole.ADOPTED
        assert (elements(place), in_aws(place)) == before
        assert place.writes(since) == []

    ground.served(recovered)


def test_sqlite_copy_of_running_server_is_complete(aws: harness.Simulator, tmp_path: Path) -> None:
    ground = Ground(aws, tmp_path, lambda: f"sqlite:///{tmp_path / 'ecrkeeper.db'}")
    copy = tmp_path / "copy.sqlite"

    def work(live: Live, place: Place) -> None:
        declare(live, place)
        script = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[2],))"
        subprocess.run([harness.program("python"), "-c", script, str(tmp_path / "ecrkeeper.db"), str(copy)], check=True)
        eventually(copy.exists)

    ground.served(work)
    text = ground.command("export")
    ground.url = f"sqlite:///{copy}"
    assert ground.command("export") == text


def test_import_into_sqlite_file_in_use_is_rejected(aws: harness.Simulator, tmp_path: Path) -> None:
    ground = Ground(aws, tmp_path, lambda: f"sqlite:///{tmp_path / 'ecrkeeper.db'}")
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": ground.url}

    def imported(*options: str) -> subprocess.CompletedProcess[str]:
        command = [harness.program("ecrkeeper-server"), "import", *options, "-"]
        return subprocess.run(command, env=environment, input=text, capture_output=True, text=True)

    text = ground.served(lambda live, place: [declare(live, place), ground.command("export")][1])
    rejected, dry = ground.served(lambda live, place: (imported(), imported("--dry-run")))
    assert rejected.returncode == 1
    assert "a server or an import uses this file" in rejected.stderr
    assert dry.returncode == 0, dry.stderr
    assert imported().returncode == 0
    # An import locks servers out as well. A killed server leaves no lock.
    with locked(ground.url), pytest.raises(RuntimeError, match="a server or an import uses this file"):
        harness.Server(tmp_path, ground.url, aws.url)
    harness.Server(tmp_path, ground.url, aws.url).kill()
    assert imported().returncode == 0
