"""Build the site: `python -m website FOLDER`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from website import api_reference, cli_reference
from website.pages import PICTURES, ROOT, Pages

CONFIG = Path(__file__).parent / "mkdocs.yml"


def main() -> int:
    """Write the sources of all pages, and build them; a broken link is an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder of the site; it is replaced")
    folder: Path = parser.parse_args().folder.resolve()
    sources = folder.with_name(f"{folder.name}-sources")
    for each in (folder, sources):
        shutil.rmtree(each, ignore_errors=True)
    pages = Pages(ROOT)
    texts = {**pages.all(), **api_reference.pages(), **cli_reference.pages()}
    for name, text in texts.items():
        path = sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copytree(ROOT / PICTURES, sources / "pictures")
    shutil.copy(ROOT / "server/ecrkeeper_server/api/openapi.json", sources / "reference/openapi.json")
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "SITE_SOURCES": str(sources), "SITE": str(folder)}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", str(CONFIG)]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
