"""Random graphs as networks are wired by: edges from a lower to a higher number, hence no cycles.

The three classical generators of Xie, Kirillov, Girshick, He (arXiv:1904.01569), drawn by networkx.
The graphs of the catalogue's own networks are stored here: they need no networkx, and are the same
under every version of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from keras_classics.core.errors import InputError, check_choice, import_extra

# Pairs (source, target) with source < target, by target and then by source.
Graph = tuple[tuple[int, int], ...]

# From a generator to the paper's best parameters, and those that are admitted.
GENERATORS = {
    "ws": ((4, 0.75), "(K, P) with K even, 2 <= K < nodes, 0 <= P <= 1"),
    "er": ((0.2,), "(P,) with 0 < P <= 1"),
    "ba": ((5,), "(M,) with 1 <= M < nodes"),
}
# Draws of a graph that may fail to be connected.
TRIES = 1000


def random_graph(
    generator: str, parameters: tuple | None = None, *, nodes: int = 32, seed: int | str = 0
) -> Graph:
    """Draw a connected graph and direct its edges.

    Args:
        generator: `"ws"` (Watts-Strogatz: a ring of `K` neighbours whose edges are rewired with
            probability `P`), `"er"` (Erdos-Renyi: each pair with probability `P`) or `"ba"`
            (Barabasi-Albert: a star of `M + 1` nodes around the first, then each node links to
            `M` others, the likelier the more links they have; the paper has the star around the
            last, with as many edges but `M` sources). Drawn again until connected.
        parameters: `(K, P)`, `(P,)` or `(M,)`; the paper's `(4, 0.75)`, `(0.2,)`, `(5,)` by
            default.
        nodes: Number of nodes.
        seed: Seed of the draw.

    Returns:
        Edges `(source, target)` from the lower to the higher number: the order in the ring, of
        insertion, or for `"er"` a random one.

    Raises:
        InputError: An argument is not admitted, or no draw is connected.
        ImportError: The extra `graphs` is not installed.
    """
    check_choice("graph", generator, tuple(GENERATORS))
    default, allowed = GENERATORS[generator]
    parameters = default if parameters is None else tuple(parameters)
    given = f"graph={generator!r} with graph_parameters={parameters} and {nodes} nodes was given"
    if not _admitted(generator, parameters, nodes):
        raise InputError(given, allowed, f"The paper has {default} and 32 nodes.")
    frozen = FROZEN.get((nodes, seed))
    if (generator, parameters) == ("ws", default) and frozen:
        return _thawed(frozen)
    networkx, draws = import_extra("networkx", "graphs"), random.Random(seed)
    for _ in range(TRIES):
        graph = _drawn(networkx, generator, parameters, nodes, draws)
        if networkx.is_connected(graph):
            return directed(graph.edges)
    raise InputError(
        f"{given}, and none of {TRIES} draws is connected",
        "graphs of one piece, since every node takes part in the network",
        "Raise the probability of an edge or the number of neighbours.",
    )


def directed(edges: Iterable[tuple[int, int]]) -> Graph:
    """The edges of any graph, directed from the lower to the higher number and sorted.

    Raises:
        InputError: They are no graph in which every number from 0 on has an edge.
    """
    given = [tuple(edge) for edge in edges]
    pairs = all(len(edge) == 2 and edge[0] != edge[1] for edge in given)
    graph = sorted({(max(edge), min(edge)) for edge in given}) if pairs else []
    numbers = {number for edge in graph for number in edge}
    if not graph or len(graph) < len(given) or numbers != set(range(len(numbers))):
        raise InputError(
            f"A graph of {len(given)} edges {str(given)[:60]} was given",
            "different pairs of different nodes, numbered from 0, each with an edge",
            "Give edges such as [(0, 1), (0, 2), (1, 2)], or networkx's graph.edges.",
        )
    return tuple((source, target) for target, source in graph)


def predecessors(graph: Graph) -> list[list[int]]:
    """For each node the sources of its edges; none for a source of the graph."""
    found: list[list[int]] = [[] for _ in range(1 + max(target for _, target in graph))]
    for source, target in graph:
        found[target].append(source)
    return found


def _admitted(generator: str, parameters: tuple, nodes: int) -> bool:
    match generator, parameters:
        case "ws", (int(neighbours), int(rewired) | float(rewired)):
            return neighbours % 2 == 0 and 2 <= neighbours < nodes and 0 <= rewired <= 1
        case "er", (int(linked) | float(linked),):
            return nodes > 1 and 0 < linked <= 1
        case "ba", (int(links),):
            return 1 <= links < nodes
    return False


def _drawn(
    networkx: ModuleType, generator: str, parameters: tuple, nodes: int, draws: random.Random
) -> Any:
    if generator == "ws":
        return networkx.watts_strogatz_graph(nodes, *parameters, seed=draws)
    if generator == "ba":
        return networkx.barabasi_albert_graph(nodes, *parameters, seed=draws)
    order = list(range(nodes))
    draws.shuffle(order)
    graph = networkx.gnp_random_graph(nodes, *parameters, seed=draws)
    return networkx.relabel_nodes(graph, dict(enumerate(order)))


def _thawed(text: str) -> Graph:
    return tuple(
        (int(source), target)
        for target, sources in enumerate(text.split(","))
        for source in sources.split()
    )


# Watts-Strogatz graphs (4, 0.75) by nodes and seed: the predecessors of node 0, of node 1, ...
FROZEN: dict[tuple[int, int | str], str] = {
    (16, "0-1"): (",,,2,1 3,1 4,0,0 4,0 1,7 8,5 7 8,3 5 10,4 10,1 5 6 9,2 4 7,0 4 12 13 14"),
    (32, "0-1"): (
        ",,,2,,3 4,4,,1 5 6 7,5 7,,,2,4 9 11,10,0 9 12 14,0 1,2 5 15,,"
        "12 18,10 13 18 19,9 13,1 3 6 17,15,,10 12 17,8 14 24,7 8 24,"
        "0 6 10 15 20 22 26 27,10 27,0 5 17 20 23,0 11 26"
    ),
    (32, "0-2"): (
        ",,1,1,,4,0 4 5,,1,4,7,2 7,6 7,6 12,0 13,3 7 11 13,0 12 15,15,8 17,"
        "18,4 9 17 18 19,4 8 20,,0 9 22,5 17 22,20 24,10 13 24,0 4 21,15 19 20,"
        "0 3 18 24,3 8 26,5 10 14 22"
    ),
    (32, "0-3"): (
        ",,,2,2,,4 5,5,0,0 4 7,,2 10,,4 11,2 10 13,12,3 5 7,15,5 10 16,"
        "0 6 8 14,17 18,0 1 12 13 17 20,1 3 18 21,8 10,9 14 15 22,12 19,,6,"
        "9 21 23 26,18 19 26 27,0 3 6 12 25,0 25"
    ),
    (32, "0-4"): (
        ",,1,1 2,0 3,4,,,4,6 8,0,7,8,8 9 11 12,4,10,5 13 15,7,4 13 17,18,"
        "2,6 9 14 17,,0 19 21 22,20,7 21 23 24,2 7 16 21,1 9,13 17 22,"
        "5 19 23 24 26 27,0 10 20 21,7 11 14 19 21"
    ),
}
