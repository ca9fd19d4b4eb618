"""Randomly wired networks: graphs, counts by the formula, and wiring that files keep."""

import random

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.models.image import random_graphs
from keras_classics.models.image.random_graphs import predecessors, random_graph
from support import run_on

NAMES = kc.list_models(family="randwire")
SMALL = {"width": 0.1, "nodes": 12, "input_shape": (64, 64, 3), "classes": 4}
CHAIN = [(0, 1), (1, 2)]
# A source, a node of two edges, one of a single edge, two sinks.
FORK = [(0, 2), (1, 2), (2, 3), (2, 4)]


def stages(card):
    """Nodes, channels that come in, channels and side of the output, of each graph."""
    c, halves = card.filters, [32, 32, 32]
    if card.regular:
        return list(zip([16, *halves], (c // 2, c, 2 * c, 4 * c), (c, 2 * c, 4 * c, 8 * c),
                        (56, 28, 14, 7), strict=True))  # fmt: skip
    return list(zip(halves, (c, c, 2 * c), (c, 2 * c, 4 * c), (28, 14, 7), strict=True))


def by_formula(card, graphs):
    """Trainable parameters and multiply-adds at 224 x 224 and 1000 classes."""
    half, last = card.filters // 2, stages(card)[-1][2]
    convolutions = [(3, half, 9, 112), (last, 1280, 1, 7)]
    if not card.regular:
        convolutions.append((half, card.filters, 9, 56))
    parameters = sum(cells * a * b + 2 * b for a, b, cells, _ in convolutions) + 1281 * 1000
    multiply_adds = sum(cells * a * b * side**2 for a, b, cells, side in convolutions) + 1280 * 1000
    for graph, (_, before, width, side) in zip(graphs, stages(card), strict=True):
        for sources in predecessors(graph):
            channels = width if sources else before
            kernels = 9 * channels + channels * width
            parameters += kernels + 2 * width + (len(sources) if len(sources) > 1 else 0)
            multiply_adds += kernels * side**2
    return parameters, multiply_adds


@pytest.mark.parametrize("name", NAMES)
def test_the_model_has_the_counts_of_the_formula(name):
    card, model = kc.card(name), kc.create_model(name)
    graphs = kc.models.randwire_graphs(model)
    counts = (kc.analysis.trainable_parameters(model), kc.analysis.multiply_adds(model))
    assert by_formula(card, graphs) == counts == (card.parameters, card.multiply_adds)


@pytest.mark.parametrize(
    ("graph", "name", "millions", "band"),
    [
        ("ws", "randwire_small", 5.62, 0.08),
        ("ws", "randwire_regular_109", 32.2, 0.6),
        ("ws", "randwire_regular_154", 62.0, 1.3),
        ("er", "randwire_small", 5.69, 0.08),
        ("er", "randwire_regular_109", 32.7, 0.6),
        ("er", "randwire_regular_154", 63.0, 1.3),
        ("ba", "randwire_small", 5.93, 0.005),
        ("ba", "randwire_regular_109", 34.6, 0.05),
        ("ba", "randwire_regular_154", 66.8, 0.05),
    ],
)
def test_the_mean_over_draws_is_the_reference(graph, name, millions, band):
    card = kc.card(name)
    counts = [
        by_formula(
            card, [random_graph(graph, nodes=stage[0], seed=f"{seed}-{place}")
                   for place, stage in enumerate(stages(card), start=1)],
        )[0]
        for seed in range(20)
    ]  # fmt: skip
    assert abs(np.mean(counts) / 1e6 - millions) < band
    if graph == "ba":
        assert len(set(counts)) == 1


@pytest.mark.parametrize(
    ("name", "reference", "band"),
    [
        ("randwire_small", 578e6, 6e6),
        ("randwire_regular_109", 3.97e9, 0.04e9),
        ("randwire_regular_154", 7.81e9, 0.08e9),
    ],
)
def test_the_default_networks_cost_what_the_reference_says(name, reference, band):
    assert abs(kc.card(name).multiply_adds - reference) < band


@pytest.mark.parametrize("nodes", [16, 32])
@pytest.mark.parametrize(
    ("graph", "edges"),
    [
        ("ws", lambda nodes: nodes * 4 // 2),
        ("ba", lambda nodes: 5 * (nodes - 5)),
        ("er", lambda nodes: None),
    ],
)
def test_graphs_are_connected_directed_upwards_and_of_the_right_size(graph, edges, nodes):
    networkx = pytest.importorskip("networkx")
    for seed in range(10):
        drawn = random_graph(graph, nodes=nodes, seed=seed)
        assert len(drawn) == len(set(drawn)) and edges(nodes) in (None, len(drawn))
        assert all(source < target for source, target in drawn)
        assert networkx.is_connected(networkx.Graph(drawn))
        assert {node for edge in drawn for node in edge} == set(range(nodes))
        assert drawn == random_graph(graph, nodes=nodes, seed=seed)
    assert len({random_graph(graph, nodes=nodes, seed=seed) for seed in range(10)}) == 10


@pytest.mark.parametrize("rewired", [0.0, 0.3, 1.0])
def test_watts_strogatz_rewires_in_the_papers_order(rewired):
    """The ring's edges clockwise, nearest neighbours first; each to a free node, uniformly."""
    nodes, neighbours = 10, 4
    for seed in range(200):
        draws = random.Random(seed)
        edges = {
            frozenset((node, (node + step) % nodes))
            for step in range(1, neighbours // 2 + 1)
            for node in range(nodes)
        }
        for step in range(1, neighbours // 2 + 1):
            for node in range(nodes):
                if draws.random() >= rewired:
                    continue
                target = draws.choice(range(nodes))
                while target == node or frozenset((node, target)) in edges:
                    target = draws.choice(range(nodes))
                edges.remove(frozenset((node, (node + step) % nodes)))
                edges.add(frozenset((node, target)))
        if len(edges) == nodes * neighbours // 2 and _connected(edges, nodes):
            expected = random_graphs.directed(map(tuple, edges))
            assert random_graph("ws", (neighbours, rewired), nodes=nodes, seed=seed) == expected


def _connected(edges, nodes):
    reached = {0}
    for _ in range(nodes):
        reached |= {node for edge in edges if edge & reached for node in edge}
    return len(reached) == nodes


def test_stored_graphs_are_those_networkx_draws(monkeypatch):
    pytest.importorskip("networkx")
    stored = {key: random_graph("ws", nodes=key[0], seed=key[1]) for key in random_graphs.FROZEN}
    monkeypatch.setattr(random_graphs, "FROZEN", {})
    assert stored == {key: random_graph("ws", nodes=key[0], seed=key[1]) for key in stored}


@pytest.mark.slow
def test_default_models_and_saved_ones_need_no_networkx(tmp_path):
    model = kc.models.RandWireSmall(graph="er", graph_parameters=(0.3,), seed=7, **SMALL)
    path = tmp_path / "model.keras"
    model.save(path)
    x = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    np.save(tmp_path / "x.npy", x)
    code = f"""
import sys
sys.modules["networkx"] = None
import keras, numpy as np, keras_classics as kc
model = keras.saving.load_model({str(path)!r})
np.save({str(tmp_path / "y.npy")!r}, model.predict_on_batch(np.load({str(tmp_path / "x.npy")!r})))
print("GRAPHS", kc.models.randwire_graphs(model))
default = kc.create_model("randwire_small", width=0.1)
try:
    kc.create_model("randwire_small", seed=1)
except ImportError as error:
    print(error)
"""
    printed = run_on("tensorflow", code)
    assert f"GRAPHS {kc.models.randwire_graphs(model)}\n" in printed
    assert "pip install 'keras-classics[graphs]'" in printed
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), model.predict_on_batch(x))


@pytest.mark.parametrize("graph", ["ws", "er", "ba"])
def test_the_wiring_reads_back_and_builds_again(graph):
    model = kc.models.RandWireRegular109(graph=graph, seed=3, **SMALL)
    graphs = kc.models.randwire_graphs(model)
    # The first graph of the regular networks has half the nodes.
    assert [len(predecessors(edges)) for edges in graphs] == [6, 12, 12, 12]
    twin = kc.models.RandWireRegular109(graphs=graphs, **SMALL)
    assert kc.models.randwire_graphs(twin) == graphs
    assert [w.shape for w in twin.weights] == [w.shape for w in model.weights]
    other = kc.models.RandWireRegular109(graph=graph, seed=4, **SMALL)
    assert kc.models.randwire_graphs(other) != graphs


def test_graphs_may_come_from_anywhere():
    networkx = pytest.importorskip("networkx")
    petersen = networkx.petersen_graph()
    model = kc.models.RandWireSmall(graphs=[petersen.edges, FORK, CHAIN], **SMALL)
    read = kc.models.randwire_graphs(model)
    assert set(read[0]) == {tuple(sorted(edge)) for edge in petersen.edges}
    assert read[1:] == [tuple(FORK), tuple(CHAIN)]


def test_a_node_is_the_papers():
    model = kc.models.RandWireSmall(graphs=[CHAIN, FORK, CHAIN], **SMALL)
    image = np.random.default_rng(0).normal(size=(2, 64, 64, 3)).astype("float32")
    names = [layer.name for layer in model.layers]
    # Only the third node of the fork has more than one edge.
    assert [name for name in names if name.endswith("_add")] == ["stage2_block3_add"]
    watched = [
        "stage1_out", "stage2_block1_norm", "stage2_block2_norm", "stage2_block3_add",
        "stage2_block3_norm", "stage2_block4_norm", "stage2_block5_norm", "stage2_out",
    ]  # fmt: skip
    values = keras.Model(model.input, [model.get_layer(name).output for name in watched])(image)
    x, first, second, added, third, fourth, fifth, out = map(np.asarray, values)

    def node(number, x):
        block = f"stage2_block{number}"
        conv, norm = model.get_layer(f"{block}_conv"), model.get_layer(f"{block}_norm")
        x, padding = np.maximum(x, 0), "same"
        if conv.strides == (2, 2):
            x, padding = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), "valid"
        assert conv.bias is None
        x = keras.ops.depthwise_conv(x, conv.depthwise_kernel, conv.strides, padding)
        return np.asarray(norm(keras.ops.conv(x, conv.pointwise_kernel)))

    assert first.shape == (2, x.shape[1] // 2, x.shape[2] // 2, 2 * x.shape[3])
    np.testing.assert_allclose(first, node(1, x), atol=1e-5)
    np.testing.assert_allclose(second, node(2, x), atol=1e-5)
    # The scalars start at zero: each edge counts half.
    np.testing.assert_allclose(added, (first + second) / 2, atol=1e-5)
    np.testing.assert_allclose(third, node(3, added), atol=1e-5)
    np.testing.assert_allclose(fourth, node(4, third), atol=1e-5)
    np.testing.assert_allclose(out, (fourth + fifth) / 2, atol=1e-5)


def test_the_regular_networks_lose_edges_while_training():
    for name in NAMES:
        model = kc.create_model(name, **SMALL)
        rates = {
            x.edge_dropout for x in model.layers if isinstance(x, kc.layers.WeightedAggregation)
        }
        assert rates == {0.1 if kc.card(name).regular else 0.0}
    image = np.ones((1, 64, 64, 3), "float32")
    model = kc.models.RandWireSmall(edge_dropout=0.5, **SMALL)
    assert not np.array_equal(model(image, training=True), model(image, training=True))
    np.testing.assert_array_equal(model(image), model(image))


@pytest.mark.parametrize("name", ["randwire_small", "randwire_regular_109"])
def test_features_of_any_size_and_channels(name):
    model = kc.create_model(name, **SMALL | {"include_top": False, "input_shape": (None, None, 2)})
    for height, width in ((1, 3), (33, 64)):
        features = model(np.zeros((1, height, width, 2), "float32"))
        assert tuple(features.shape[1:3]) == (-(-height // 32), -(-width // 32))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"graph": "tree"}, "graph='tree'"),
        ({"graph_parameters": (3, 0.5)}, "K even"),
        ({"graph_parameters": (4,)}, "K even"),
        ({"graph_parameters": (4, 1.5)}, "K even"),
        ({"nodes": 4}, "4 nodes"),
        ({"graph": "er", "graph_parameters": (0,)}, "0 < P"),
        ({"graph": "er", "graph_parameters": (1e-6,)}, "none of 1000 draws is connected"),
        ({"graph": "ba", "graph_parameters": (32,)}, "1 <= M < nodes"),
        ({"graphs": [CHAIN, CHAIN]}, "2 graphs were given.*3, one for each stage"),
        ({"graphs": [CHAIN, CHAIN, []]}, "graph of 0 edges"),
        ({"graphs": [CHAIN, CHAIN, [(0, 0)]]}, "different nodes"),
        ({"graphs": [CHAIN, CHAIN, [(0, 1), (1, 0)]]}, "different pairs"),
        ({"graphs": [CHAIN, CHAIN, [(0, 2)]]}, "numbered from 0"),
        ({"edge_dropout": 1.0}, "edge_dropout=1.0"),
    ],
)
def test_what_is_no_graph_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        kc.models.RandWireSmall(**arguments)
