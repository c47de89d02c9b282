"""Each command asks for every library of its extra before it imports one."""

from __future__ import annotations

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import ecrkeeper_server.__main__
import ecrkeeper_sim.__main__
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
NEEDED = {"server": ecrkeeper_server.__main__._NEEDED, "sim": ecrkeeper_sim.__main__._NEEDED}


@pytest.mark.parametrize("extra", NEEDED)
def test_command_asks_for_every_library_of_its_extra(extra: str) -> None:
    libraries = {canonicalize_name(Requirement(each).name) for each in EXTRAS[extra]}
    providers = packages_distributions()
    required = {canonicalize_name(name) for module in NEEDED[extra] for name in providers[module]}
    assert required == libraries
