"""Declaration files of one account, for the commands that read them."""

from __future__ import annotations

from pathlib import Path

CACHE = "  pullThroughCacheRules:\n"


def rule(prefix: str, upstream: str = "public.ecr.aws") -> str:
    return f"  - {{ecrRepositoryPrefix: {prefix}, upstreamRegistryUrl: {upstream}}}\n"


class Files:
    """Declaration files of one account."""

    def __init__(self, folder: Path, account: str) -> None:
        self.folder = folder
        self.folder.mkdir()
        self.account = account
        self.path = str(folder)

    def write(self, owner: str, *rules: str, region: str = "us-east-1", head: str = "") -> None:
        name = f"accounts/{self.account}/registries/{region}/settings/{owner}"
        listed = "".join(rules) or "  []\n"
        (self.folder / f"{owner}.yaml").write_text(
            f"apiVersion: ecrkeeper/v1\nkind: RegistrySettings\nname: {name}\n{head}settings:\n{CACHE}{listed}"
        )
