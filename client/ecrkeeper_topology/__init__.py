"""The replication between registries as a graph, and as a picture; pure, no I/O.

`graph_of` makes a graph of `Registry` messages, `drawing` groups a large one, and `svg`, `mermaid`
and `dot` write it. The command line and the server share this package.
"""

from ecrkeeper_topology.dot import dot
from ecrkeeper_topology.drawing import Drawing, Grouping, drawing, drawing_steps
from ecrkeeper_topology.graph import Edge, Graph, Mark, Node
from ecrkeeper_topology.mermaid import mermaid
from ecrkeeper_topology.messages import explained, graph_of, graph_steps
from ecrkeeper_topology.svg import svg, svg_steps

__all__ = [
    "Drawing", "Edge", "Graph", "Grouping", "Mark", "Node",
    "dot", "drawing", "drawing_steps", "explained", "graph_of", "graph_steps", "mermaid", "svg", "svg_steps",
]  # fmt: skip
