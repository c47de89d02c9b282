"""The reduced botocore models and the credential lookup match botocore's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.regions import EndpointResolver
from ecrkeeper_server.aws import botocore_private as models
from ecrkeeper_server.aws.ambient import Ambient
from ecrkeeper_server.aws.codec import SERVICES
from ecrkeeper_server.aws.wire import Credentials

SESSION = botocore.session.Session()


def undocumented(value: Any) -> Any:
    """Return the model without documentation; a member may have that name."""
    if isinstance(value, dict):
        return {
            name: undocumented(inner)
            for name, inner in value.items()
            if name != "documentation" or not isinstance(inner, str)
        }
    return [undocumented(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("service", SERVICES)
def test_service_models_match_botocore(service: str) -> None:
    own, expected = models.service_model(service), SESSION.get_service_model(service)
    assert undocumented(own._service_description) == undocumented(expected._service_description)
    assert own.service_name == expected.service_name


def test_partitions_and_regions_are_those_of_botocore() -> None:
    own, expected = models.endpoint_resolver(), EndpointResolver(SESSION.get_data("endpoints"))
    partitions = expected.get_available_partitions()
    assert own.get_available_partitions() == partitions
    for name in partitions:
        assert own.get_available_endpoints("api.ecr", name) == expected.get_available_endpoints("api.ecr", name)
    assert len(own.get_available_endpoints("api.ecr", "aws")) > 30


def test_unknown_service_is_rejected() -> None:
    with pytest.raises(ValueError, match="s3"):
        models.service_model("s3")


@pytest.fixture
def profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Write credentials to a file, with none in the environment."""
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = of-a-file\naws_secret_access_key = b\naws_session_token = c\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))


async def test_ambient_credentials_match_botocore_files(profile: None) -> None:
    assert await Ambient()("111111111111") == Credentials("of-a-file", "b", "c")


async def test_variables_precede_files_even_if_expiring(profile: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-variable")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "e")
    assert await Ambient()("111111111111") == Credentials("of-a-variable", "e", None)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2999-01-01T00:00:00Z")
    assert await Ambient()("111111111111") == Credentials("of-a-variable", "e", None)
