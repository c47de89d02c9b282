"""`export` and `import` on both databases."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ecrkeeper_server.__main__ import main
from ecrkeeper_server.names import RegistryName, RoleName, SettingsName
from ecrkeeper_server.store import declaration_pages, declarations, resources, schema, tables
from ecrkeeper_server.store.database import Database, Tx
from ecrkeeper_server.turns import finish
from sqlalchemy import update

from tests import declaring, harness

ACCOUNT = "111111111111"
EAST, WEST = RegistryName(ACCOUNT, "us-east-1"), RegistryName(ACCOUNT, "us-west-2")
ROLE = RoleName(ACCOUNT, "replication")


def cache(prefix: str, url: str = "quay.io") -> dict[str, Any]:
    return {"pullThroughCacheRules": {"rules": [{"ecrRepositoryPrefix": prefix, "upstreamRegistryUrl": url}]}}


def registry(name: RegistryName = EAST, **owners: Any) -> dict[str, Any]:
    declared = {owner.replace("_", "-"): {"settings": shapes} for owner, shapes in owners.items()}
    return {"apiVersion": "ecrkeeper/v1", "kind": "Registry", "name": str(name), "declarations": declared}


def role(name: RoleName = ROLE, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "ecrkeeper/v1", "kind": "ServiceLinkedRole", "name": str(name), **fields}


class Store:
    """A database, and the commands that work on it."""

    def __init__(self, url: str, folder: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self.url = url
        self._file = folder / "declarations.yaml"
        self._capture = capture
        self.out = self.err = ""

    def run(self, *arguments: str) -> int:
        self._capture.readouterr()
        status = main(list(arguments))
        captured = self._capture.readouterr()
        self.out, self.err = captured.out.decode(), captured.err.decode()
        return status

    def imports(self, *documents: Any, options: tuple[str, ...] = ()) -> int:
        return self.load(yaml.safe_dump_all(documents), *options)

    def load(self, text: str, *options: str) -> int:
        self._file.write_text(text)
        return self.run("import", str(self._file), *options)

    def exported(self, *options: str) -> str:
        assert self.run("export", *options) == 0, self.err
        return self.out

    def query(self, query: Callable[[Tx], Any]) -> Any:
        return asyncio.run(self._run(lambda db: db.read(query)))

    def change(self, change: Callable[[Tx], Any]) -> Any:
        return asyncio.run(self._run(lambda db: db.write(change)))

    async def _run(self, work: Callable[[Database], Any]) -> Any:
        db = schema.open_database(self.url, pool_size=1)
        try:
            return await work(db)
        finally:
            await db.close()

    def generations(self) -> Any:
        def read(tx: Tx) -> Any:
            kept = {
                r.name: r.generation for kind in ("registry", "role") for r in resources.page(tx, kind, "-", "", 100)
            }
            page = finish(declaration_pages.reading_page(tx, "-", "-", ("", "", ""), 100))
            rows = declarations.stored(tx, [SettingsName(RegistryName(*row[:2]), row[2]) for row in page])
            return kept, {str(d.name): d.generation for d, _ in map(declarations.decoded, rows.values())}

        return self.query(read)


@pytest.fixture
def store(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Store:
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", database_url)
    return Store(database_url, tmp_path, capsysbinary)


EVERYTHING = [
    {**registry(EAST, team_a=cache("quay"), team_b={**cache("quay"), "replicationConfiguration": {"rules": []}}), "mode": "OBSERVE", "unmanagedElements": "PRUNE"},
    registry(WEST, team_a=cache("mirror", "public.ecr.aws")),
    registry(RegistryName("222222222222", "eu-west-1"), other=cache("shared")),
    role(description="for replication", tags={"team": "platform"}, remembered={"roleId": "AROA1", "provenance": "CREATED"}),
    role(RoleName("222222222222", "replication"), mode="OBSERVE"),
]  # fmt: skip


def test_second_import_changes_nothing(store: Store) -> None:
    assert store.imports(*EVERYTHING) == 0, store.err
    assert "4 declarations and 2 roles were written" in store.out
    assert "the modes of 2 registries and roles were changed, 0 documents need no change" in store.out
    first = store.generations()
    assert store.imports(*EVERYTHING) == 0
    assert "0 declarations and 0 roles were written" in store.out
    assert "the modes of 0 registries and roles were changed, 5 documents need no change" in store.out
    assert store.load(store.exported()) == 0
    assert "0 declarations and 0 roles were written" in store.out
    assert store.generations() == first


def test_export_is_independent_of_database_and_file_order(store: Store) -> None:
    assert store.imports(*reversed(EVERYTHING)) == 0, store.err
    text = store.exported()
    names = [d.get("name") for d in yaml.safe_load_all(text)]
    assert names[1:-1] == sorted(d["name"] for d in EVERYTHING[:3]) + sorted(d["name"] for d in EVERYTHING[3:])
    assert text == (Path(__file__).parent / "export.yaml").read_text()


def test_export_of_0_1_0_imports_like_a_current_export(store: Store) -> None:
    folder = Path(__file__).parent
    assert store.load((folder / "export-0.1.0.yaml").read_text()) == 0, store.err
    assert "4 declarations and 2 roles were written" in store.out
    assert store.exported() == (folder / "export.yaml").read_text()
    assert store.load((folder / "export-0.1.0.yaml").read_text()) == 0
    assert "0 declarations and 0 roles were written" in store.out


def test_export_can_be_limited_to_one_account(store: Store) -> None:
    assert store.imports(*EVERYTHING) == 0
    names = [d["name"] for d in yaml.safe_load_all(store.exported("--account", "222222222222")) if "name" in d]
    assert names == [
        "accounts/222222222222/registries/eu-west-1",
        "accounts/222222222222/serviceLinkedRoles/replication",
    ]


def test_change_increments_generation_and_records_source(store: Store) -> None:
    assert store.imports(*EVERYTHING) == 0
    before, _ = store.generations()
    assert store.imports(registry(WEST, team_a=cache("other"), team_b=cache("third"))) == 0
    assert "creates team-b; updates team-a" in store.out
    after, _ = store.generations()
    assert after[str(WEST)] == before[str(WEST)] + 1
    assert {name: n for name, n in after.items() if name != str(WEST)} == {
        n: g for n, g in before.items() if n != str(WEST)
    }
    newest, first = store.query(lambda tx: declaring.newest_revisions(tx, SettingsName(WEST, "team-a")))
    assert (newest.method, newest.revision, first.revision) == ("Import", 2, 1)
    assert newest.principal.startswith("cli")
    assert "document 1 of " in newest.reason
    row = store.query(lambda tx: resources.get(tx, str(WEST)))
    assert row.due_at is not None
    assert row.spec["owners"] == ["team-a", "team-b"]


def test_import_keeps_unmentioned_resources(store: Store) -> None:
    assert store.imports(*EVERYTHING) == 0
    assert store.imports(registry(EAST, team_c=cache("third"))) == 0
    declared = store.query(lambda tx: declarations.of_registry(tx, EAST))
    assert [d.owner for d in declared] == ["team-a", "team-b", "team-c"]


def test_import_keeps_unspecified_modes_and_policies(store: Store) -> None:
    paused = {"mode": "PAUSED"}
    described = {**paused, "description": "for replication", "tags": {"team": "platform"}}
    assert (
        store.imports({**registry(team_a=cache("quay")), **paused, "unmanagedElements": "PRUNE"}, role(**described))
        == 0
    )
    text, before = store.exported(), store.generations()
    assert store.imports(registry(team_a=cache("quay")), role()) == 0
    assert (store.exported(), store.generations()) == (text, before)
    assert store.imports(registry(team_a=cache("mirror")), role(description="other")) == 0
    assert "sets" not in store.out
    (_, kept, declared, _) = yaml.safe_load_all(store.exported())
    assert (kept["mode"], kept["unmanagedElements"]) == ("PAUSED", "PRUNE")
    assert (declared["mode"], declared["tags"], declared["description"]) == ("PAUSED", {"team": "platform"}, "other")


# existing documents, the imported one, the output, reason
CHANGED_TREATMENTS = [
    ([], registry(), f"{EAST}: adds the registry", "a registry that nobody knew"),
    ([], {**registry(), "mode": "PAUSED"}, f"{EAST}: sets mode ENFORCE -> PAUSED", "a new registry, not with the default"),
    ([], role(mode="OBSERVE"), f"{ROLE}: creates replication; sets mode ENFORCE -> OBSERVE", "a new role"),
    (
        [{**registry(a=cache("quay")), "mode": "PAUSED"}],
        {**registry(a=cache("quay")), "mode": "ENFORCE", "unmanagedElements": "PRUNE"},
        f"{EAST}: sets mode PAUSED -> ENFORCE; sets unmanagedElements PRESERVE -> PRUNE",
        "nothing else differs",
    ),
    (
        [{**registry(a=cache("quay")), "mode": "PAUSED"}],
        {**registry(a=cache("mirror"), b=cache("mirror")), "mode": "ENFORCE"},
        f"{EAST}: creates b; updates a; sets mode PAUSED -> ENFORCE",
        "beside changed declarations",
    ),
    ([role(mode="PAUSED")], role(mode="ENFORCE"), f"{ROLE}: updates replication; sets mode PAUSED -> ENFORCE", "a role"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("present", "document", "message", "reason"), CHANGED_TREATMENTS, ids=[row[3] for row in CHANGED_TREATMENTS]
)
def test_import_reports_changed_modes_and_policies(
    store: Store, present: list[Any], document: Any, message: str, reason: str
) -> None:
    assert not present or store.imports(*present) == 0
    for dry, verb in (True, "would be"), (False, "were"):
        assert store.imports(document, options=("--dry-run",) if dry else ()) == 0
        line, total = store.out.splitlines()
        assert line == message
        assert f"the modes of {int('sets' in message)} registries and roles {verb} changed" in total
        assert "0 documents need no change" in total
    assert store.imports(document) == 0
    assert "1 documents need no change" in store.out


@pytest.mark.parametrize(("stored", "written"), [({"rules": []}, {}), ({}, {"rules": []})])
def test_equivalent_shapes_are_no_change(store: Store, stored: Any, written: Any) -> None:
    """A takeover leaves `{"rules": []}` of a declaration if it takes its last rule."""
    assert store.imports(registry(team_a=cache("quay"))) == 0
    shapes = {"replication_configuration": stored}
    store.change(lambda tx: tx.conn.execute(update(tables.declarations).values(settings=shapes)) and None)
    before = store.generations()
    assert "replicationConfiguration: {}" in store.exported()
    assert store.imports(registry(team_a={"replicationConfiguration": written})) == 0
    assert "1 documents need no change" in store.out
    assert store.load(store.exported()) == 0
    assert store.generations() == before
    assert store.imports(registry(team_a={})) == 0
    assert "updates team-a" in store.out, "an absent setting is not an empty one"


def test_import_changes_owners_together(store: Store) -> None:
    """One after the other, the first change would contradict the second declaration."""
    assert store.imports(registry(EAST, a=cache("shared", "quay.io"), b=cache("shared", "quay.io"))) == 0
    assert (
        store.imports(registry(EAST, a=cache("shared", "public.ecr.aws"), b=cache("shared", "public.ecr.aws"))) == 0
    ), store.err
    assert "updates a, b" in store.out


def test_import_reports_all_errors_and_writes_nothing(store: Store) -> None:
    assert store.imports(registry(EAST, team_a=cache("shared"))) == 0
    before = store.generations()
    assert store.imports(
        registry(WEST, fine=cache("other")),
        registry(EAST, team_b=cache("shared", "public.ecr.aws")),
        registry(WEST, fine=cache("other")),
        registry(RegistryName("222222222222", "us-east-1"), bad=cache("UPPER")),
        role(tags={"aws:x": "y"}),
        {**registry(EAST, bad=cache("UPPER")), "name": "accounts/1", "mode": "NO"},
    ) == 1  # fmt: skip
    assert store.generations() == before
    lines = store.err.splitlines()
    assert any("document 2" in line and "pull_through_cache_rules shared: team-a declares" in line for line in lines)
    assert any(f"document 3: {WEST} is in document 1 already" in line for line in lines)
    assert any("document 4" in line and "rules[0].ecr_repository_prefix" in line for line in lines)
    assert any("document 5" in line and "aws:x" in line for line in lines)
    for path in ("name", "mode", "ecr_repository_prefix"):
        assert any("document 6" in line and path in line for line in lines), path
    assert lines[-1].endswith("nothing was changed")


def test_import_enforces_limits_over_all_owners(store: Store) -> None:
    def many(owner: str, n: int) -> dict[str, Any]:
        rules = [{"ecrRepositoryPrefix": f"{owner}{owner}{i}", "upstreamRegistryUrl": "quay.io"} for i in range(n)]
        return {"pullThroughCacheRules": {"rules": rules}}

    assert store.imports(registry(EAST, a=many("a", 30), b=many("b", 30))) == 1
    assert "60 over all owners, and AWS allows 50" in store.err
    assert store.generations() == ({}, {})


def test_dry_run_validates_and_changes_nothing(store: Store) -> None:
    assert store.imports(*EVERYTHING, options=("--dry-run",)) == 0
    assert "accounts/111111111111/registries/us-east-1: creates team-a, team-b" in store.out
    assert "4 declarations and 2 roles would be written" in store.out
    assert store.generations() == ({}, {})
    assert store.imports(registry(EAST, a=cache("UPPER")), options=("--dry-run",)) == 1


def test_dry_run_neither_creates_nor_migrates_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    file = tmp_path / "none.db"
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", f"sqlite:///{file}")
    store = Store(f"sqlite:///{file}", tmp_path, capsysbinary)
    assert store.imports(*EVERYTHING, options=("--dry-run",)) == 0, store.err
    assert "4 declarations and 2 roles would be written" in store.out
    assert store.imports(registry(EAST, a=cache("UPPER")), options=("--dry-run",)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["declarations.yaml"]
    schema.migrate(store.url, "0001")
    pending = schema.pending_migrations(store.url)
    assert store.imports(*EVERYTHING, options=("--dry-run",)) == 1
    assert "lacks the migrations" in store.err
    assert schema.pending_migrations(store.url) == pending


def test_declarations_can_move_to_other_owner(store: Store) -> None:
    assert store.imports(registry(EAST, team_a=cache("shared")), options=("--as-owner", "team-z")) == 0
    assert [d.owner for d in store.query(lambda tx: declarations.of_registry(tx, EAST))] == ["team-z"]
    assert store.imports(registry(EAST, team_a=cache("shared")), options=("--as-owner", "Z!")) == 1
    assert "--as-owner" in store.err


def test_role_being_deleted_is_not_recreated(store: Store) -> None:
    assert store.imports(role()) == 0
    store.change(lambda tx: resources.set_spec(tx, str(ROLE), {"managed": True, "deletion": {"forced": False}}))
    assert store.imports(role(description="again")) == 1
    assert "is being deleted" in store.err
    assert str(ROLE) not in store.exported(), "nobody wants it any more"


def test_truncated_export_is_rejected_entirely(store: Store) -> None:
    assert store.imports(*EVERYTHING) == 0
    text = store.exported()
    cut = text[: text.index("---", text.index("us-west-2"))]
    assert store.load(cut) == 1
    assert "truncated" in store.err


def test_database_without_schema_is_not_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    missing = tmp_path / "none.db"
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", f"sqlite:///{missing}")
    store = Store("", tmp_path, capsysbinary)
    assert store.run("export") == 1
    assert "there is no database" in store.err
    assert not missing.exists()
    assert store.run("import", str(tmp_path / "no-such-file.yaml")) == 1
    assert "no-such-file" in store.err
    monkeypatch.setenv("ECRKEEPER_DATABASE_URL", "mysql://x")
    assert store.run("export") == 2


def test_export_to_closed_pipe_prints_one_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    schema.migrate(url)
    command = [harness.program("ecrkeeper-server"), "export"]
    reader, writer = os.pipe()
    os.close(reader)
    environment = {**os.environ, "ECRKEEPER_DATABASE_URL": url}
    ended = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert ended.returncode == 1
    assert ended.stderr == "ecrkeeper-server: standard output was closed before the end of the output\n"
