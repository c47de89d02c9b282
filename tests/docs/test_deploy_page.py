"""The page on deployment names the variables of the AWS SDKs."""

from __future__ import annotations

from pathlib import Path

from ecrkeeper_server.aws.codec import SERVICES

ROOT = Path(__file__).parents[2]


def test_deploy_page_names_endpoint_variable_of_each_service() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    paragraph = page.split("`AWS_ENDPOINT_URL`", 1)[1].split("for VPC endpoints")[0]
    assert set(paragraph.replace("AWS_ENDPOINT_URL", "").split("`")[1::2]) == {f"_{name.upper()}" for name in SERVICES}
