"""The configurations of docs/console.md are valid."""

from __future__ import annotations

from pathlib import Path

from ecrkeeper_server.config.settings import load

from tests.docs.blocks import Reading


def test_console(tmp_path: Path) -> None:
    page, file = Reading("docs/console.md"), tmp_path / "shown.toml"
    loaded = []
    for text in ("console = true", "console_url", "console_oidc_client_id"):
        file.write_text(page.next("toml", text).text)
        loaded.append(load(file, {}))
    page.ended()
    assert [each.console for each in loaded] == [True, True, True]
    assert loaded[1].console_url == loaded[2].console_url
    assert loaded[2].console_oidc_client_id in loaded[2].jwt_audience
