"""The site is complete, its links work, and it loads nothing from other sites."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from ecrkeeper_cli.main import cli
from ecrkeeper_server.api.server import SERVICES
from google.protobuf import descriptor_pool

from website.pages import ROOT, Pages

PARTS = ("website", "docs", "examples", "deploy", "protos", "benchmarks", "server/ecrkeeper_server/api")


class Page(HTMLParser):
    """The ids, the links, the resources and the paragraphs of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.resources: list[str] = []
        self.paragraphs: list[str] = []
        self._in_paragraph = False
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        if tag in ("script", "img", "iframe", "source"):
            self.resources.append(values.get("src") or "")
        if tag == "link" and values.get("rel") != "canonical":
            self.resources.append(values.get("href") or "")
        if tag == "p":
            self._in_paragraph = True
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_paragraph = self._in_paragraph and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._in_paragraph:
            self.paragraphs[-1] += data


def build(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a checkout."""
    command = [sys.executable, "-m", "website", str(folder)]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("site") / "site"
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    return {path.relative_to(site).as_posix(): Page(path.read_text()) for path in site.rglob("*.html")}


def test_every_page_is_in_the_navigation(pages: dict[str, Page]) -> None:
    text = re.sub(r"!!?\S+", "", (ROOT / "website" / "mkdocs.yml").read_text())
    named = {page for section in yaml.safe_load(text)["nav"] for listed in section.values() for page in listed}
    written = {name.replace(".html", ".md") for name in pages if not name.startswith("files/")}
    assert named == written - {"404.md"}
    assert {path.name for path in (ROOT / "docs").glob("*.md")} <= named


def test_reference_has_every_rpc_and_message(pages: dict[str, Page]) -> None:
    own = [descriptor_pool.Default().FindServiceByName(name) for name in SERVICES if name.startswith("ecrkeeper.")]
    for service in own:
        page = pages[f"reference/{Path(service.file.name).stem}.html"]
        for method in service.methods:
            assert method.name.lower() in page.ids
            for message in (method.input_type, method.output_type):
                if message.full_name.startswith("ecrkeeper."):
                    place = pages[f"reference/{Path(message.file.name).stem}.html"]
                    assert message.name.lower() in place.ids
    assert len(own) == 5


def test_reference_has_every_command(site: Path) -> None:
    client = (site / "reference/ecrkeeper.html").read_text()
    assert all(f">ecrkeeper {name}<" in client for name, command in cli.commands.items() if not command.hidden)
    server = (site / "reference/ecrkeeper-server.html").read_text()
    assert all(f">ecrkeeper-server {name}<" in server for name in ("serve", "migrate", "api", "export", "import"))


def test_pages_load_nothing_from_other_sites(pages: dict[str, Page]) -> None:
    assert [one for page in pages.values() for one in page.resources if "//" in one] == []
    assert sum(len(page.resources) for page in pages.values()) > len(pages)


def test_lists_are_rendered_as_lists(pages: dict[str, Page]) -> None:
    """A code host accepts lists in places where other renderers need an empty line."""
    raw = [
        (name, text)
        for name, page in pages.items()
        for text in page.paragraphs
        if re.search(r"^(- |\d\. )", text, re.M)
    ]
    assert raw == []


@pytest.mark.parametrize("link", ["nothing.md", "limits.md#nothing", "../examples/nothing.py"])
def test_broken_link_fails_the_build(tmp_path: Path, link: str) -> None:
    root = tmp_path / "checkout"
    for part in PARTS:
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("node_modules", "gen", "__pycache__"))
    for path in ROOT.glob("*.md"):
        shutil.copy(path, root)
    shutil.copy(ROOT / "LICENSE", root)
    with (root / "docs/http.md").open("a") as page:
        page.write(f"\nSee [this]({link}).\n")
    done = build(root, tmp_path / "site")
    assert done.returncode != 0
    assert link.removeprefix("../").partition("#")[0] in done.stdout + done.stderr


def test_link_to_a_file_shows_the_file() -> None:
    shown = Pages(ROOT).all()
    assert "](files/examples/policy.yaml.md)" in shown["security.md"]
    assert (ROOT / "examples/policy.yaml").read_text().splitlines()[-1] in shown["files/examples/policy.yaml.md"]
