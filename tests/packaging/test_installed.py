"""The installed wheel: its content, the demo, and the server as in the image."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import urllib.request
import zipfile
from pathlib import Path

import pytest
from ecrkeeper_testing.users import as_user

from tests.packaging import dockerfile

USER = 65532
# The first test waits for the environment, which is downloaded if pip's cache is empty.
pytestmark = pytest.mark.timeout(400)
CLEAN = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}


def test_wheel_has_the_migrations_the_simulator_and_the_license(image: Path) -> None:
    (wheel,) = (image / "wheels").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    versions = {
        f"ecrkeeper_server/migrations/versions/{p.name}" for p in (dockerfile.ROOT / "migrations/versions").glob("*.py")
    }
    assert versions
    assert versions <= names
    assert {"ecrkeeper_server/migrations/env.py", "ecrkeeper_sim/__main__.py", "ecrkeeper/py.typed"} <= names
    assert "ecrkeeper_server/api/descriptors.binpb" in names
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    tops = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {
        "ecrkeeper", "ecrkeeper_cli", "ecrkeeper_dev", "ecrkeeper_files",
        "ecrkeeper_server", "ecrkeeper_sim", "ecrkeeper_testing", "ecrkeeper_topology",
    }  # fmt: skip
    assert {"ecrkeeper_files/schema.json", "ecrkeeper_dev/two-accounts/team-payments.yaml"} <= names


def test_wheel_modules_can_be_imported(installed: Path) -> None:
    script = (
        "import importlib, pkgutil, sys\n"
        "roots = 'ecrkeeper', 'ecrkeeper_files', 'ecrkeeper_topology', 'ecrkeeper_server', 'ecrkeeper_sim', 'ecrkeeper_testing'\n"
        "for root in roots:\n"
        "    for found in pkgutil.walk_packages(importlib.import_module(root).__path__, root + '.'):\n"
        # The fixtures need pytest, which the image has not.
        "        if '.migrations' not in found.name and not found.name.endswith(('__main__', '_testing.plugin')):\n"
        "            importlib.import_module(found.name)\n"
        "assert 'pip' not in sys.modules\n"
    )
    subprocess.run([installed / "python", "-c", script], env=CLEAN, cwd="/", check=True, timeout=60)


def test_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    shutil.copytree(dockerfile.ROOT / "examples", tmp_path / "examples")
    done = subprocess.run(
        [installed / "python", "examples/demo.py"], cwd=tmp_path, env=CLEAN, capture_output=True, text=True, timeout=150
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "All 9 steps had the outcome they must have" in done.stdout


def test_image_runs_unprivileged_and_writes_only_data(image: Path, installed: Path, tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can become another user")
    _, final = dockerfile.stages()
    data, temporary = image / "var/lib/ecrkeeper", image / "tmp"
    for folder in (data, temporary):
        folder.mkdir(parents=True)
        os.chown(folder, USER, USER)
    environment = {
        **{name: dockerfile.below(value, image) for name, value in final.environment().items()},
        "ECRKEEPER_LISTEN": "127.0.0.1:0",
        "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0",
        "TMPDIR": str(temporary),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    environment["PATH"] = f"{installed}:/usr/bin:/bin"
    command = [str(installed / final.command("ENTRYPOINT")[0]), *final.command("CMD")]
    before = files(image, data)
    server = subprocess.Popen(
        as_user(USER, command),
        cwd=data,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=(tmp_path / "log").open("w"),
        text=True,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("listening on "), (tmp_path / "log").read_text()
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert f"Uid:\t{USER}\t{USER}\t{USER}" in status
        assert "CapEff:\t0000000000000000" in status
    finally:
        server.send_signal(getattr(signal, final.value("STOPSIGNAL")))
        ended = server.wait(30)
    assert ended == 0
    assert sorted(path.name for path in data.iterdir() if not path.name.endswith(("-wal", "-shm", ".lock"))) == [
        "ecrkeeper.db"
    ]
    assert files(image, data) == before, "something outside of the data folder was written"
    assert list(temporary.iterdir()) == []


def files(root: Path, without: Path) -> dict[str, int]:
    """Return every file below a folder with its modification time."""
    return {str(p): p.lstat().st_mtime_ns for p in root.rglob("*") if without not in p.parents and p.is_file()}


def test_image_rejects_open_serving_by_default(installed: Path, tmp_path: Path) -> None:
    _, final = dockerfile.stages()
    environment = {**final.environment(), "PATH": "/usr/bin:/bin"}
    rejected = subprocess.run(
        [installed / "ecrkeeper-server", "check-config"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert rejected.returncode == 2
    assert "TLS is not configured" in rejected.stderr
    configured = {**environment, "ECRKEEPER_INSECURE": "true"}
    subprocess.run(
        [installed / "ecrkeeper-server", "check-config"], cwd=tmp_path, env=configured, check=True, capture_output=True
    )


def test_image_health_check_detects_readiness(installed: Path, tmp_path: Path) -> None:
    _, final = dockerfile.stages()
    (check,) = final.values("HEALTHCHECK")
    program = check.split("CMD ", 1)[1]
    import json

    _, option, code = json.loads(program)
    assert subprocess.run([installed / "python", option, code], capture_output=True, check=False).returncode != 0
    server = subprocess.Popen(
        [installed / "ecrkeeper-server", "serve"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**CLEAN, "ECRKEEPER_LISTEN": "127.0.0.1:0", "ECRKEEPER_METRICS_LISTEN": "127.0.0.1:0", "ECRKEEPER_DATABASE_URL": f"sqlite:///{tmp_path}/x.db"},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        server.stdout.readline()
        port = _http_port(server.pid)
        local = code.replace("9464", str(port))
        assert local != code
        subprocess.run([installed / "python", option, local], check=True, timeout=10)
    finally:
        server.terminate()
        server.wait(30)


def _http_port(pid: int) -> int:
    """Return the HTTP port of a process."""
    inodes = {
        os.readlink(fd)[8:-1] for fd in Path(f"/proc/{pid}/fd").iterdir() if os.readlink(fd).startswith("socket:[")
    }
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[3] == "0A" and words[9] in inodes:
            port = int(words[1].split(":")[1], 16)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
            except OSError:
                continue
            except Exception:  # gRPC's answer is not HTTP/1.1
                continue
            return port
    raise AssertionError("no such port")
