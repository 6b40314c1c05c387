from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy.sparse import csr_matrix

from retrievers.graph.walk import Links, walk

# Two passages share entity 0, two share entity 1, the last stands alone.
WEIGHTS = np.array([[2.0, 0.0], [1.0, 0.5], [0.0, 1.0], [0.0, 0.0]])
LINKS = Links(csr_matrix(WEIGHTS))


def test_it_is_personalised_pagerank() -> None:
    graph = nx.Graph()
    for passage, entity in zip(*np.nonzero(WEIGHTS), strict=True):
        graph.add_edge(f"p{passage}", f"e{entity}", weight=WEIGHTS[passage, entity])
    expected = nx.pagerank(graph, alpha=0.8, personalization={"p0": 0.5, "e1": 0.5}, tol=1e-9)
    visits = walk(LINKS, np.array([0.5, 0, 0, 0]), np.array([0, 0.5]), steps=100)
    assert visits[:3] == pytest.approx([expected[f"p{number}"] for number in range(3)])


def test_half_the_work_gives_the_same_as_both_sides_at_every_step() -> None:
    passages, entities = np.array([0.1, 0.0, 0.2, 0.3]), np.array([0.4, 0.0])
    p, e = passages, entities
    for _ in range(10):
        p, e = (
            0.2 * passages + 0.8 * LINKS.to_passages(e),
            0.2 * entities + 0.8 * LINKS.to_entities(p),
        )
    assert walk(LINKS, passages, entities) == pytest.approx(p)


def test_a_passage_two_entities_away_is_reached() -> None:
    visits = walk(LINKS, np.array([1.0, 0, 0, 0]), np.zeros(2))
    assert visits[0] > visits[1] > visits[2] > 0


def test_an_isolated_passage_keeps_its_restart_share_only() -> None:
    visits = walk(LINKS, np.array([0, 0, 0, 1.0]), np.zeros(2))
    assert visits == pytest.approx([0, 0, 0, 0.2])


def test_an_empty_graph_can_be_walked() -> None:
    assert walk(Links(csr_matrix((0, 0))), np.zeros(0), np.zeros(0)).shape == (0,)
