"""A developer's own settings of ecrkeeper and AWS reach no test."""

from __future__ import annotations

import os

import pytest

from tests.conftest import pytest_configure


def test_own_settings_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"AWS_PROFILE": "corp", "ECRKEEPER_LISTEN": "0.0.0.0:1", "HTTPS_PROXY": "http://proxy.example:3128"}
    with monkeypatch.context() as patched:
        for name, value in (own | {"NO_PROXY": "corp.example", "no_proxy": ""}).items():
            patched.setenv(name, value)
        # Later changes of the environment end with the test as well.
        patched.setattr(os, "environ", dict(os.environ))
        pytest_configure()
        assert {name: os.environ.get(name) for name in own} == {
            "AWS_PROFILE": None, "ECRKEEPER_LISTEN": None, "HTTPS_PROXY": "http://proxy.example:3128",
        }  # fmt: skip
        assert os.environ["AWS_CONFIG_FILE"] == os.environ["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
        assert os.environ["NO_PROXY"] == "corp.example,127.0.0.1,localhost,::1"
        assert os.environ["no_proxy"] == "127.0.0.1,localhost,::1"
