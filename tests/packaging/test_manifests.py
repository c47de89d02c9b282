"""Dockerfile, compose.yaml and Kubernetes manifests are valid and consistent."""

from __future__ import annotations

import subprocess
import tomllib
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import yaml
from ecrkeeper_server.access.policy import Principal, Target, Verb, decide
from ecrkeeper_server.access.policy_file import parse
from ecrkeeper_server.config.settings import Config, load

from tests.harness import program
from tests.packaging import dockerfile
from tests.packaging.dockerfile import ROOT

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
KUBERNETES = ROOT / "deploy/kubernetes"
MANIFESTS = sorted(path for path in KUBERNETES.rglob("*.yaml") if path.name != "kustomization.yaml")
# Documents without components.
BASE = [path for path in MANIFESTS if path.parent == KUBERNETES]


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [d for path in BASE for d in documents(path) if d["kind"] in kinds]


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


def test_dockerfile_passes_its_linter() -> None:
    linted = subprocess.run(
        [program("hadolint"), "--failure-threshold", "info", str(ROOT / "Dockerfile")], capture_output=True, text=True
    )
    assert linted.returncode == 0, linted.stdout


def test_final_stage_is_not_root_and_has_no_build_tools() -> None:
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


def test_build_context_has_only_required_files() -> None:
    tops = {path.split("/")[0] for path in dockerfile.context()}
    assert tops == {"client", "server", "migrations", "constraints.txt", "pyproject.toml", "README.md", "LICENSE"}


# Settings: an unknown one would prevent the server from starting.


@pytest.mark.parametrize("role", ["all", "api", "engine"])
def test_kubernetes_sets_valid_server_settings(role: str) -> None:
    _, final = dockerfile.stages()
    environment = environment_of(of_kind("ConfigMap", "Secret"))
    config = load(None, {**final.environment(), **environment, "ECRKEEPER_ROLE": role})
    assert config.database_url.startswith("postgresql://")
    assert config.aws_role_template.endswith(":role/ecrkeeper")


def test_compose_sets_valid_server_settings() -> None:
    _, final = dockerfile.stages()
    for name in ("migrate", "ecrkeeper"):
        config = load(None, {**final.environment(), **SERVICES[name]["environment"]})
        assert config.aws_endpoint_url == "http://aws:4566"


# Compose.


def test_compose_starts_services_in_order() -> None:
    assert SERVICES["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert SERVICES["ecrkeeper"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["ecrkeeper"]["deploy"]["replicas"] == 2
    first, last = SERVICES["ecrkeeper"]["ports"][0].split(":")[1].split("-")
    assert int(last) - int(first) == 1, "one port for each replica"


@pytest.mark.parametrize("name", SERVICES)
def test_compose_services_are_pinned_and_health_checked(name: str) -> None:
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
def test_manifest_is_valid(path: Path) -> None:
    checked = subprocess.run(
        [program("kubernetes-validate"), "--strict", "--no-warn", str(path)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_kustomization_lists_manifests_except_example_secret() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert set(kustomization["resources"]) == {path.name for path in KUBERNETES.glob("*.yaml")} - {
        "kustomization.yaml",
        "secret.example.yaml",
    }
    assert kustomization["images"] == [{"name": "ecrkeeper", "newTag": VERSION}]
    assert documents(KUBERNETES / "secret.example.yaml")[0]["metadata"]["namespace"] == kustomization["namespace"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=names)
def test_pod_meets_restricted_standard(workload: dict[str, Any]) -> None:
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
def test_deployment_is_probed_spread_and_drained(deployment: dict[str, Any]) -> None:
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


def test_service_and_network_policy_select_pods() -> None:
    (service,), (policy,) = of_kind("Service"), of_kind("NetworkPolicy")
    labels = [w["spec"]["template"]["metadata"]["labels"] for w in WORKLOADS]
    assert sum(service["spec"]["selector"].items() <= each.items() for each in labels) == 1
    assert all(policy["spec"]["podSelector"]["matchLabels"].items() <= each.items() for each in labels)
    opened = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
    assert opened == {50051, 9464}


def test_job_of_another_version_has_another_name() -> None:
    (job,) = of_kind("Job")
    assert job["metadata"]["name"] == f"ecrkeeper-migrate-{VERSION.replace('.', '-')}", "a Job cannot be changed"


# Components.

COMPONENTS = {path.parent.name: yaml.safe_load(path.read_text()) for path in KUBERNETES.glob("*/kustomization.yaml")}
# Keys by which Kubernetes merges lists.
KEYS = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath"}


def merged(present: Any, patch: Any, name: str = "") -> Any:
    """Return a manifest after a strategic merge patch."""
    if isinstance(patch, dict):
        return {**present, **{key: merged(present.get(key, type(value)()), value, key) for key, value in patch.items()}}
    if isinstance(patch, list):
        key = KEYS[name]
        members = {each[key]: each for each in present}
        return list({**members, **{each[key]: merged(members.get(each[key], {}), each) for each in patch}}.values())
    return patch


def with_components(names: tuple[str, ...]) -> dict[str, Any]:
    """Return the API's Deployment and Service after the patches of components."""
    by_kind = {kind: next(d for d in of_kind(kind) if "api" in str(d["spec"])) for kind in ("Deployment", "Service")}
    for patch in (patch for name in names for patch in COMPONENTS[name]["patches"]):
        content = yaml.safe_load(patch["patch"])
        if isinstance(content, dict):
            assert content["metadata"]["name"] == by_kind[content["kind"]]["metadata"]["name"]
            by_kind[content["kind"]] = merged(by_kind[content["kind"]], content)
        else:
            assert content == [{"op": "remove", "path": "/spec/ports/0/appProtocol"}]
            spec = by_kind["Service"]["spec"]
            (port,) = spec["ports"]
            ports = [{key: value for key, value in port.items() if key != "appProtocol"}]
            by_kind["Service"] = {**by_kind["Service"], "spec": {**spec, "ports": ports}}
    return by_kind


def valid(file: Path, manifests: list[Any]) -> bool:
    file.write_text(yaml.safe_dump_all(manifests))
    checked = subprocess.run(
        [program("kubernetes-validate"), "--strict", "--no-warn", str(file)], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    return True


def settings_of(deployment: dict[str, Any], folder: Path) -> Config:
    """Return the server's configuration from a Deployment, with its mounted files."""
    (container,) = pod(deployment)["containers"]
    variables = {each["name"]: each["value"] for each in container["env"]}
    mounts = [mount["mountPath"] + "/" for mount in container["volumeMounts"]]
    for name, value in variables.items():
        if name.endswith("_FILE"):
            assert value.startswith(tuple(mounts)), "the file is mounted"
            variables[name] = str(folder / Path(value).name)
    _, final = dockerfile.stages()
    return load(None, {**final.environment(), **environment_of(of_kind("ConfigMap", "Secret")), **variables})


def test_tls_component_has_valid_manifests_and_settings(tmp_path: Path) -> None:
    manifests = with_components(("tls",))
    assert valid(tmp_path / "patched.yaml", list(manifests.values()))
    assert "appProtocol" not in manifests["Service"]["spec"]["ports"][0], "h2c is HTTP/2 without TLS"
    (volume,) = [v for v in pod(manifests["Deployment"])["volumes"] if v["name"] == "tls"]
    assert volume["secret"]["defaultMode"] == 0o440, "readable by the group that fsGroup gives the files to"
    config = settings_of(manifests["Deployment"], tmp_path)
    assert config.tls_certificate_file and config.tls_key_file and config.tls_client_ca_file


def test_access_component_requires_tokens_and_has_valid_policy(tmp_path: Path) -> None:
    deployment = with_components(("access",))["Deployment"]
    (resource,) = COMPONENTS["access"]["resources"]
    (policy,) = documents(KUBERNETES / "access" / resource)
    assert valid(tmp_path / "patched.yaml", [deployment])
    config = settings_of(deployment, tmp_path)
    assert config.jwt_issuer.startswith("https://")
    assert config.jwt_audience
    (volume,) = [v for v in pod(deployment)["volumes"] if v["name"] == "policy"]
    assert volume["configMap"]["name"] == policy["metadata"]["name"]
    rules = parse(policy["data"][Path(config.policy_file).name].encode())
    web, target = Principal("web", frozenset({"team-web"})), Target("111111111111", "eu-west-1", "team-web")
    assert decide(rules, web, Verb.WRITE, target).allowed
    assert not decide(rules, Principal(), Verb.READ, target).allowed


@pytest.mark.parametrize("names", list(permutations(COMPONENTS)), ids=",".join)
def test_components_do_not_conflict(names: tuple[str, ...], tmp_path: Path) -> None:
    config = settings_of(with_components(names)["Deployment"], tmp_path)
    assert config.policy_file and config.jwt_issuer and config.tls_certificate_file


def test_documentation_names_every_component_and_the_open_base() -> None:
    text = (ROOT / "docs/deploy.md").read_text()
    assert all(f"| `{name}/` |" in text for name in COMPONENTS)
    assert "The base without components is open." in text
