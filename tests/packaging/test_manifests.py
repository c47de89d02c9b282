"""Dockerfile, compose.yaml and Kubernetes manifests: linted, consistent with each other and with the server."""

from __future__ import annotations

import copy
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ecrkeeper_server.config import Config, load

from tests.harness import program
from tests.packaging import dockerfile
from tests.packaging.dockerfile import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
KUBERNETES = ROOT / "deploy/kubernetes"
MANIFESTS = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")


def documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(path.read_text()) if found]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [d for path in MANIFESTS for d in documents(path) if d["kind"] in kinds]


WORKLOADS = of_kind("Deployment", "Job")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def pod(workload: dict[str, Any]) -> Any:
    return workload["spec"]["template"]["spec"]


def environment_of(manifests: list[dict[str, Any]]) -> dict[str, str]:
    return {k: v for d in manifests for k, v in {**d.get("data", {}), **d.get("stringData", {})}.items()}


def names(workload: dict[str, Any]) -> str:
    return str(workload["metadata"]["name"])


# The image.


def test_the_dockerfile_passes_its_linter() -> None:
    linted = subprocess.run(
        [program("hadolint"), "--failure-threshold", "info", str(ROOT / "Dockerfile")], capture_output=True, text=True
    )  # noqa: S603
    assert linted.returncode == 0, linted.stdout


def test_the_final_stage_is_not_root_and_has_no_build_tools() -> None:
    build, final = dockerfile.stages()
    assert "AS build" in build.base
    assert build.base.split()[0] == final.base
    assert ":" in final.base
    uid, gid = final.value("USER").split(":")
    assert int(uid) > 0
    assert int(gid) > 0
    assert final.value("STOPSIGNAL") == "SIGTERM"
    assert "pip uninstall --yes pip setuptools wheel" in final.values("RUN")[0]
    assert all(argument.startswith("--from=build /opt/ecrkeeper") for argument in final.values("COPY"))
    assert f"ARG VERSION={VERSION}" in (ROOT / "Dockerfile").read_text()


def test_the_build_context_has_what_the_image_is_built_of_and_nothing_else() -> None:
    tops = {path.split("/")[0] for path in dockerfile.context()}
    assert tops == {"client", "server", "migrations", "constraints.txt", "pyproject.toml", "README.md", "LICENSE"}


# Settings: an unknown one would keep the server from starting.


@pytest.mark.parametrize("role", ["all", "api", "engine"])
def test_kubernetes_gives_the_server_settings_that_it_takes(role: str) -> None:
    _, final = dockerfile.stages()
    given = environment_of(of_kind("ConfigMap", "Secret"))
    config = load(None, {**final.environment(), **given, "ECRKEEPER_ROLE": role})
    assert config.database_url.startswith("postgresql://")
    assert config.aws_role_template.endswith(":role/ecrkeeper")


def test_compose_gives_the_server_settings_that_it_takes() -> None:
    _, final = dockerfile.stages()
    for name in ("migrate", "ecrkeeper"):
        config = load(None, {**final.environment(), **SERVICES[name]["environment"]})
        assert config.aws_endpoint_url == "http://aws:4566"


# Compose.


def test_compose_starts_things_in_their_order() -> None:
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert SERVICES["ecrkeeper"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["ecrkeeper"]["deploy"]["replicas"] == 2
    first, last = SERVICES["ecrkeeper"]["ports"][0].split(":")[1].split("-")
    assert int(last) - int(first) == 1, "one port for each replica"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_of_compose_is_pinned_closed_and_watched(name: str) -> None:
    service = SERVICES[name]
    for dependency in service.get("depends_on", {}):
        assert dependency in SERVICES
    for port in service.get("ports", []):
        assert port.startswith("127.0.0.1:"), "plaintext stays on this machine"
    if name != "migrate":
        assert service["healthcheck"]["test"][0] == "CMD"
    if service["image"] == "ecrkeeper":
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
    else:
        tag = service["image"].split(":")[1]
        assert "." in tag
    seconds = service.get("stop_grace_period")
    assert seconds is None or int(seconds.removesuffix("s")) > Config().drain_seconds


# Kubernetes.


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_is_valid(path: Path) -> None:
    checked = subprocess.run(
        [program("kubernetes-validate"), "--strict", "--no-warn", str(path)], capture_output=True, text=True
    )  # noqa: S603
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_kustomization_lists_every_manifest_but_the_example_of_the_secret() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == {path.name for path in KUBERNETES.glob("*.yaml")} - {
        "kustomization.yaml",
        "secret.example.yaml",
    }
    assert kustomization["images"] == [{"name": "ecrkeeper", "newTag": VERSION}]
    assert documents(KUBERNETES / "secret.example.yaml")[0]["metadata"]["namespace"] == kustomization["namespace"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=names)
def test_a_pod_runs_as_the_restricted_standard_wants_it(workload: dict[str, Any]) -> None:
    spec = pod(workload)
    (container,) = spec["containers"]
    _, final = dockerfile.stages()
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert f"{spec['securityContext']['runAsUser']}:{spec['securityContext']['runAsGroup']}" == final.value("USER")
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["enableServiceLinks"] is False, "ECRKEEPER_PORT would keep the server from starting"
    assert container["resources"]["requests"]
    assert container["resources"]["limits"]["memory"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in spec["volumes"]}
    sources = {next(iter(s.values()))["name"] for s in container["envFrom"]}
    assert sources == {d["metadata"]["name"] for d in of_kind("ConfigMap", "Secret")}
    assert spec["serviceAccountName"] in {d["metadata"]["name"] for d in of_kind("ServiceAccount")}


@pytest.mark.parametrize("deployment", of_kind("Deployment"), ids=names)
def test_a_deployment_is_probed_spread_and_drained(deployment: dict[str, Any]) -> None:
    spec = pod(deployment)
    (container,) = spec["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert container["args"] == ["serve", "--role", container["name"]]
    assert ("grpc" in ports) == (container["name"] == "api")
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert ports["metrics"] == int(dockerfile.stages()[1].environment()["ECRKEEPER_METRICS_LISTEN"].rpartition(":")[2])
    assert spec["terminationGracePeriodSeconds"] > Config().drain_seconds
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert all(each["labelSelector"]["matchLabels"] == labels for each in spec["topologySpreadConstraints"])
    assert any(d["spec"]["selector"]["matchLabels"] == labels for d in of_kind("PodDisruptionBudget"))
    assert deployment["spec"]["replicas"] >= 2


def test_the_service_and_the_network_policy_reach_the_pods() -> None:
    (service,), (policy,) = of_kind("Service"), of_kind("NetworkPolicy")
    labels = [w["spec"]["template"]["metadata"]["labels"] for w in WORKLOADS]
    assert sum(service["spec"]["selector"].items() <= each.items() for each in labels) == 1
    assert all(policy["spec"]["podSelector"]["matchLabels"].items() <= each.items() for each in labels)
    opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert opened == {50051, 9464}


def patched(manifest: Any, operations: list[dict[str, Any]]) -> Any:
    """A manifest after the operations of a JSON patch."""
    made = copy.deepcopy(manifest)
    for operation in operations:
        *path, last = [int(part) if part.isdigit() else part for part in operation["path"].split("/")[1:]]
        target = made
        for part in path:
            target = target[part]
        if operation["op"] == "remove":
            del target[last]
        elif last == "-":
            target.append(operation["value"])
        else:
            assert last not in target, "`add` would replace it"
            target[last] = operation["value"]
    return made


def test_the_component_for_tls_gives_valid_manifests_and_settings_that_the_server_takes(tmp_path: Path) -> None:
    component = yaml.safe_load((KUBERNETES / "tls/kustomization.yaml").read_text())
    made = {}
    for patch in component["patches"]:
        kind, name = patch["target"]["kind"], patch["target"]["name"]
        (manifest,) = [d for d in of_kind(kind) if d["metadata"]["name"] == name]
        made[kind] = patched(manifest, yaml.safe_load(patch["patch"]))
    file = tmp_path / "patched.yaml"
    file.write_text(yaml.safe_dump_all(made.values()))
    checked = subprocess.run(
        [program("kubernetes-validate"), "--strict", "--no-warn", str(file)], capture_output=True, text=True
    )  # noqa: S603
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "appProtocol" not in made["Service"]["spec"]["ports"][0], "h2c is HTTP/2 without TLS"
    (container,) = pod(made["Deployment"])["containers"]
    (volume,) = [v for v in pod(made["Deployment"])["volumes"] if v["name"] == "tls"]
    assert volume["secret"]["defaultMode"] == 0o440, "readable by the group that fsGroup gives the files to"
    (mount,) = [m for m in container["volumeMounts"] if m["name"] == "tls"]
    given = {each["name"]: each["value"] for each in container["env"]}
    assert all(value.startswith(mount["mountPath"] + "/") for value in given.values())
    for name, value in given.items():
        (tmp_path / Path(value).name).write_text("")
        given[name] = str(tmp_path / Path(value).name)
    _, final = dockerfile.stages()
    config = load(None, {**final.environment(), **environment_of(of_kind("ConfigMap", "Secret")), **given})
    assert config.tls_client_ca_file == given["ECRKEEPER_TLS_CLIENT_CA_FILE"]
