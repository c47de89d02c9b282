"""The pages of the repository, with links that work on the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(\]\(\s*)([^)#\s]+)((?:#[^)\s]*)?\s*\))")
_OTHER_SITES = ("http://", "https://", "mailto:")
_LANGUAGES = {".py": "python", ".yaml": "yaml", ".json": "json", ".ts": "typescript", ".toml": "toml"}
_PROTOS = "protos/ecrkeeper/v1"
PICTURES = "docs/pictures"


class Pages:
    """Collects pages, and the files of the repository that they link to."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pages = {
            "README.md": "index.md",
            "CHANGELOG.md": "changelog.md",
            "CONTRIBUTING.md": "contributing.md",
            "SECURITY.md": "reporting.md",
            "benchmarks/README.md": "benchmarks.md",
            **{f"docs/{name}": name.replace("README", "index") for name in _below(root / "docs")},
        }
        self._files: dict[str, str] = {}

    def all(self) -> dict[str, str]:
        """Return the text of each page by its path on the site."""
        texts = {path: self._text(source, path) for source, path in self._pages.items()}
        return {**texts, **self._files}

    def _text(self, source: str, path: str) -> str:
        text = (self._root / source).read_text(encoding="utf-8")

        def linked(match: re.Match[str]) -> str:
            target = match[2]
            if target.startswith(_OTHER_SITES):
                return match[0]
            linked_file = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
            return match[1] + posixpath.relpath(self._site_path(linked_file), posixpath.dirname(path) or ".") + match[3]

        return _LINK.sub(linked, text)

    def _site_path(self, target: str) -> str:
        """Return the path of a page or a file on the site; a broken link stays for mkdocs to report."""
        if target in self._pages:
            return self._pages[target]
        if target.startswith(f"{PICTURES}/"):
            return target.removeprefix("docs/")
        if target.startswith(_PROTOS):
            return f"reference/{Path(target).stem if target.endswith('.proto') else 'index'}.md"
        linked = self._root / target
        if not linked.exists():
            return target
        path = f"files/{target}.md"
        if path not in self._files:
            self._files[path] = ""
            self._files[path] = self._folder(target) if linked.is_dir() else self._file(target)
        return path

    def _file(self, target: str) -> str:
        path = self._root / target
        content = path.read_text(encoding="utf-8").rstrip()
        return f"# {target}\n\n````{_LANGUAGES.get(path.suffix, 'text')}\n{content}\n````\n"

    def _folder(self, target: str) -> str:
        hidden = ("node_modules", "gen", "__pycache__")
        paths = [path for path in sorted((self._root / target).rglob("*")) if path.is_file()]
        visible = [path for path in paths if not set(path.relative_to(self._root).parts) & set(hidden)]
        names = [path.relative_to(self._root / target).as_posix() for path in visible]
        parts = [self._file(f"{target}/{name}").replace("# ", "## ", 1) for name in names if _is_text(name)]
        return f"# {target}\n\n" + "\n".join(parts)


def _is_text(name: str) -> bool:
    return not name.endswith((".lock", "package-lock.json", ".png", ".binpb"))


def _below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.md"))]
