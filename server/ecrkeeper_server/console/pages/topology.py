"""A picture of the replication between registries."""

from __future__ import annotations

from collections.abc import Iterable

from ecrkeeper.v1 import registry_pb2
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper_topology import drawing_steps, graph_steps, svg_steps

from ecrkeeper_server.console.search import filter_of
from ecrkeeper_server.console.view import Page, View
from ecrkeeper_server.turns import Steps

# The picture groups many registries, and each is read in full.
_REGISTRIES = 100


async def topology(view: View) -> Page:
    """Show who replicates to whom, or where images of a repository go."""
    repository = view.text("repository")
    request = pb.ListRegistriesRequest(
        parent="accounts/-",
        page_size=_REGISTRIES,
        page_token=view.text("page"),
        filter=filter_of(view.text("q"), "owner"),
        view=registry_pb2.FULL,
    )
    listed, error = await view.listed("RegistrySettingsService.ListRegistries", request)
    values = {
        "picture": await view.work.run(_picture(listed.registries if listed is not None else (), repository)),
        "next": listed.next_page_token if listed is not None else "",
        "error": error,
        "search": view.text("q"),
        "repository": repository,
    }
    return Page("topology.html", "Topology", values)


def _picture(registries: Iterable[registry_pb2.Registry], repository: str) -> Steps[str]:
    """Return the picture of registries, in steps."""
    graph = yield from graph_steps(registries)
    drawn = yield from drawing_steps(graph, repository=repository)
    return (yield from svg_steps(drawn, has_style=False))
