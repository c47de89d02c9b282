"""The dashboard, the alerts and the manual use existing metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from ecrkeeper_server.metrics.server import Metrics

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
MANUAL = (ROOT / "docs/observability.md").read_text()
RULES: list[dict[str, Any]] = [r for group in yaml.safe_load(ALERTS.read_text())["groups"] for r in group["rules"]]
PANELS: list[dict[str, Any]] = json.loads((ROOT / "deploy/grafana/ecrkeeper.json").read_text())["panels"]
# The origin of each expression, and the expression with Grafana's variables filled in.
EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"].replace("$__rate_interval", "5m").replace("$instance", ".*"))
    for panel in PANELS
    for target in panel["targets"]
]
# Labels that Prometheus adds to every series.
ADDED = {"instance", "job"}


def labels_of_series() -> dict[str, set[str]]:
    """Return the names of all series that a server exports, with their labels."""
    names: dict[str, set[str]] = {}
    for collector in Metrics({"/service/Method": "unary"}).registry._collector_to_names:
        labels = set(getattr(collector, "_labelnames", ()))
        for family in collector.describe() if hasattr(collector, "describe") else ():
            ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}
            for end in ends.get(family.type, ("",)):
                names[family.name + end] = labels | ({"le"} if end == "_bucket" else set())
    return names


SERIES = labels_of_series()


def selectors(expression: Any) -> Iterator[Any]:
    """Return the vector selectors in a parsed expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "param", "vector_selector", "vs"):
        inner = getattr(expression, name, None)
        if inner is not None and not isinstance(inner, str | float | int):
            yield from selectors(inner)
    for inner in getattr(expression, "args", None) or ():
        yield from selectors(inner)


@pytest.mark.parametrize(("where", "text"), EXPRESSIONS, ids=[f"{i} {e[0]}" for i, e in enumerate(EXPRESSIONS)])
def test_expressions_use_existing_series_and_labels(where: str, text: str) -> None:
    parsed = promql_parser.parse(text)
    names = re.findall(r"\b((?:ecrkeeper|grpc_server)_[a-z_]+)", text)
    assert names
    assert set(names) <= set(SERIES), where
    labels = set().union(*(SERIES[name] for name in names)) | ADDED
    used = set(re.findall(r"[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)", text))
    used |= {label for group in re.findall(r"\bby \(([^)]*)\)", text) for label in re.split(r",\s*", group)}
    assert used <= labels, where
    assert {selector.name for selector in selectors(parsed)} <= set(names)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alerts_have_meaning_and_remedy(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert notes["summary"] and notes["description"]
    page, _, anchor = notes["runbook_url"].partition("#")
    assert page == "docs/observability.md"
    assert anchor in [heading.lower() for heading in re.findall(r"^### (\w+)$", MANUAL, re.M)]


def test_manual_lists_all_metrics_with_labels() -> None:
    listed = dict(re.findall(r"^\| `([a-z_]+)` \| \w+ \| ([^|]*) \|", MANUAL, re.M))
    shown = {re.sub(r"_(bucket|sum|count)$", "", name): labels - {"le"} for name, labels in SERIES.items()}
    assert {name: set(re.findall(r"`([a-z_]+)`", labels)) for name, labels in listed.items()} == {
        name: labels for name, labels in shown.items() if not name.startswith("process_")
    }


# Metrics that no panel shows, and why.
NOT_SHOWN = {
    "ecrkeeper_build_info": "the choice of instances at the top uses it",
    "grpc_server_started": "RPCs that ended and RPCs that are open say the same",
}


def test_panels_show_every_metric() -> None:
    text = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    shown = {
        re.sub(r"_(total|bucket|sum|count)$", "", name) for name in re.findall(r"(?:ecrkeeper|grpc_server)_\w+", text)
    }
    exported = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in SERIES if not name.startswith("process_")}
    assert exported - shown == set(NOT_SHOWN)


def test_panels_have_a_number_of_their_own() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is in Debian's package prometheus")
def test_alerts_fire_as_promtool_expects() -> None:
    for command in (["check", "rules", "alerts.yaml"], ["test", "rules", "alerts_test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=ALERTS.parent, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
