"""Templates, and the way that messages look in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib import resources
from typing import Any
from urllib.parse import quote

from cachetools import LRUCache
from ecrkeeper_topology import Graph, drawing, svg
from google.protobuf import timestamp_pb2
from google.protobuf.message import Message
from jinja2 import Environment, FunctionLoader, StrictUndefined

from ecrkeeper_server.api.services.shared_work import SharedTask
from ecrkeeper_server.console import conditions
from ecrkeeper_server.console.view import Page
from ecrkeeper_server.turns import Steps, Turns, Work

PREFIX = "/console"
Values = Callable[[], Mapping[str, Any] | Steps[Mapping[str, Any]]]
"""Makes the values of a template, perhaps in steps."""
_FOLDER = resources.files(__package__)
# Characters of a part that is rendered in a step of its own.
_LONG = 1_000
# Streams show a change at the same time, but few changes at once.
_PARTS = 32
_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "txt": "text/plain"}


def static_files() -> Mapping[str, tuple[str, bytes]]:
    """Return the static files by name, each with its content type."""
    files = _FOLDER.joinpath("static").iterdir()
    contents = {each.name: each.read_bytes() for each in files}
    contents["topology.css"] = _topology_style().encode()
    kinds = {name: _TYPES.get(name.rpartition(".")[2]) for name in contents}
    return {name: (f"{kinds[name]}; charset=utf-8", contents[name]) for name in contents if kinds[name]}


def _topology_style() -> str:
    """Return the style of pictures, which the policy forbids inside of a page."""
    return svg(drawing(Graph.of((), ()))).partition("<style>")[2].partition("</style>")[0]


class Renderer:
    """Renders pages in turns with the other work of the event loop."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._parts: LRUCache[tuple[str, Hashable], SharedTask[bytes]] = LRUCache(_PARTS)
        versions = {name: hashlib.sha256(content).hexdigest()[:16] for name, (_, content) in static_files().items()}
        self._templates = Environment(
            loader=FunctionLoader(_source), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        self._templates.filters |= {"time": time, "enum": enum, "url": url, "short": short}
        self._templates.globals |= {
            "static": lambda name: f"{PREFIX}/static/{name}?v={versions[name]}",
            "prefix": PREFIX,
            "state_of": conditions.state_of,
            "condition_class": conditions.condition_class,
            "state_class": conditions.state_class,
            "cell_id": conditions.cell_id,
            "element_id": conditions.element_id,
        }

    async def page(self, page: Page, work: Work, **common: Any) -> bytes:
        """Return a page as bytes; `work` is that of its user."""
        values = {**common, **page.values, "title": page.title}
        return await work.run(self._steps(page.template, lambda: values, _encoded))

    async def part(
        self, template: str, work: Work, values: Values, encode: Callable[[str], bytes], key: Hashable = None
    ) -> bytes:
        """Return a part of a page, encoded piece by piece.

        It is rendered once for all streams with an equal key. The users whose streams wait for it pay for it.
        """
        if key is None:
            return await work.run(self._steps(template, values, encode))
        task = self._parts.get((template, key))
        if task is None or task.failed:
            steps = partial(self._steps, template, values, encode)
            task = self._parts[template, key] = SharedTask(self._turns, lambda shared: shared.run(steps()))
        return await task.result(work)

    def _steps(self, template: str, values: Values, encode: Callable[[str], bytes]) -> Steps[bytes]:
        made = values()
        if not isinstance(made, Mapping):
            made = yield from made
        parts: list[str] = []
        encoded = []
        for number, part in enumerate(self._templates.get_template(template).generate(made)):
            parts.append(part)
            # A macro is one part, such as an element with its values.
            if number % 16 == 0 or len(part) > _LONG:
                encoded.append(encode("".join(parts)))
                parts.clear()
                yield
        encoded.append(encode("".join(parts)))
        yield
        return b"".join(encoded)


def _encoded(text: str) -> bytes:
    return text.encode(errors="replace")


def _source(name: str) -> str | None:
    file = _FOLDER.joinpath("templates", name)
    return file.read_text() if file.is_file() else None


def time(value: timestamp_pb2.Timestamp) -> str:
    """Return a time in UTC, to the second; empty for one that is not set."""
    if not value.seconds and not value.nanos:
        return ""
    return datetime.fromtimestamp(value.seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def enum(message: Message, field: str) -> str:
    """Return the name of an enum's value; empty for the unspecified one."""
    described: Any = message.DESCRIPTOR.fields_by_name[field].enum_type
    number = getattr(message, field)
    if not number:
        return ""
    value = described.values_by_number.get(number)
    return str(number) if value is None else value.name


@lru_cache(maxsize=4096)
def url(name: str) -> str:
    """Return the address of the page about a resource."""
    return f"{PREFIX}/{quote(name, safe='/')}"


def short(name: str) -> str:
    """Return the account and the last part of a resource's name."""
    parts = name.split("/")
    if parts[0] != "accounts" or len(parts) < 4:
        return name
    return " ".join([parts[1], parts[3], *parts[5:6]])
