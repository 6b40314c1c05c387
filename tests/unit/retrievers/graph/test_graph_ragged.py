from __future__ import annotations

import numpy as np

from retrievers.graph.ragged import Column, Ragged


def rows(ragged: Ragged) -> list[list[int]]:
    return [ragged.row(number).tolist() for number in range(len(ragged))]


def test_a_view_taken_earlier_keeps_what_it_showed() -> None:
    column = Column(np.int32)
    column.extend([1, 2])
    before = column.values
    column.extend(range(1_000))
    assert before.tolist() == [1, 2]
    assert len(column) == 1_002


def test_a_row_that_is_set_again_moves_and_packing_closes_the_gap() -> None:
    ragged = Ragged(np.int32)
    ragged.append([2, 0, 1], [1, 2, 3])
    ragged.put([0, 1], [1, 3], [9, 4, 5, 6])
    assert rows(ragged) == [[9], [4, 5, 6], [3]]
    assert len(ragged.flat) == 7
    ragged.pack()
    assert rows(ragged) == [[9], [4, 5, 6], [3]]
    assert ragged.flat.tolist() == [9, 4, 5, 6, 3]
    ragged.append([1], [7])
    assert rows(ragged)[3] == [7]


def test_rows_are_gathered_in_the_order_asked_for() -> None:
    ragged = Ragged(np.int32, 2)
    ragged.append([1, 2], [[1, 10], [2, 20], [3, 30]])
    values, lengths = ragged.gather(np.array([1, 0]))
    assert values.tolist() == [[2, 20], [3, 30], [1, 10]]
    assert lengths.tolist() == [2, 1]


def test_no_rows_are_gathered_as_nothing() -> None:
    values, lengths = Ragged(np.int32).gather(np.array([], np.int64))
    assert (len(values), len(lengths)) == (0, 0)
