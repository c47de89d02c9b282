"""The page of the hand-over, followed beside a running `ecrkeeper dev`."""

from __future__ import annotations

import json

from tests.adopt import states
from tests.docs.blocks import Reading
from tests.docs.stage import Stage
from tests.docs.test_command_line_pages import beside

__all__ = ["beside"]

STACK = {
    "Parameters": {"Prefix": {"Type": "String"}},
    "Resources": {
        "Scanning": {
            "Type": "AWS::ECR::RegistryScanningConfiguration",
            "Properties": {"ScanType": "BASIC", "Rules": []},
        }
    },
}


def test_hand_over(beside: Stage) -> None:
    page = Reading("docs/handover.md")
    account = "222222222222"
    scanning = {"id": account, "registry_id": account, "scan_type": "BASIC", "rule": []}
    resource = states.resource("aws_ecr_registry_scanning_configuration.this", **scanning, region="ap-south-1")
    (beside.folder / "state.json").write_text(states.shown(resource))
    output = beside.shell(page.next("sh", "adopt terraform"))
    assert "222222222222/ap-south-1/team-platform: AWS has 1 of 1 declared elements" in output
    assert "destroy = false" in (beside.folder / "adopted/removed.tf").read_text()
    page.left = [block for block in page.left if block.language != "text"]
    assert "0 writes to AWS" in beside.shell(page.next("sh", "adopt --confirm"))
    (beside.folder / "stack.json").write_text(json.dumps(STACK))
    assert "222222222222/eu-central-1/team-stack" in beside.shell(page.next("sh", "adopt cloudformation"))
    assert "0 writes to AWS" in beside.shell(page.next("sh", "adopt --confirm"))
    assert "no drift" in beside.shell(page.next("sh", "ecrkeeper import"))
    page.ended()
