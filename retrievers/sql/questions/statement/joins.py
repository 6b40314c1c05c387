"""Which tables are joined by which foreign keys: the one shortest way, or none."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from retrievers.sql.schema import Catalogue, Link

if TYPE_CHECKING:
    import networkx as nx

FAR = 99


@dataclass(frozen=True, slots=True)
class Step:
    """One join: `table` is added to those before it, by a link in either direction.

    Attributes:
        fans: A row of the tables before may meet several rows of the new one.
    """

    table: str
    link: Link
    fans: bool


@dataclass(frozen=True, slots=True)
class Wish:
    """A table to be reached, said at a place, perhaps by a link of a certain role."""

    table: str
    place: int
    roles: frozenset[str] = frozenset()


class Joins:
    """The links of one catalogue as a graph."""

    def __init__(self, catalogue: Catalogue) -> None:
        # Here, since it brings 15 MB that a service without SQL sources can do without.
        import networkx as nx

        self._graph: nx.MultiGraph = nx.MultiGraph()
        self._graph.add_nodes_from(name for name, t in catalogue.tables.items() if t.asked)
        for link in catalogue.links:
            if link.table != link.target:
                self._graph.add_edge(link.table, link.target, link=link)
        self._distances: Mapping[str, Mapping[str, int]] = dict(
            nx.all_pairs_shortest_path_length(self._graph, cutoff=5)
        )
        self._same = nx.utils.UnionFind()
        for link in catalogue.links:
            for own, theirs in zip(link.columns, link.target_columns, strict=True):
                if not link.role:
                    self._same.union((link.table, own), (link.target, theirs))

    def distance(self, one: str, other: str) -> int:
        """Joins between two tables."""
        return self._distances.get(one, {}).get(other, FAR)

    def size(self, tables: Collection[str]) -> int:
        """Joins needed for all tables, at least about."""
        names = sorted(set(tables))
        reached, total = names[:1], 0
        rest = names[1:]
        while rest:
            near = min(rest, key=lambda name: (self._nearest(name, reached), name))
            total += self._nearest(near, reached)
            reached.append(near)
            rest.remove(near)
        return total

    def same(self, one: tuple[str, str], other: tuple[str, str]) -> bool:
        """Whether two columns hold the same thing, by foreign keys."""
        return one == other or bool(self._same[one] == self._same[other])

    def links(self, table: str, column: str) -> list[Link]:
        """Foreign keys that begin at a column."""
        edges = self._graph.edges(table, data="link")
        return [link for _, _, link in edges if link.table == table and column in link.columns]

    def between(self, one: str, other: str) -> list[Link]:
        """Foreign keys that join two tables directly, in either direction."""
        edges = self._graph.get_edge_data(one, other) or {}
        return [data["link"] for data in edges.values()]

    def tree(self, root: str, wishes: Sequence[Wish], most: int) -> list[Step] | None:
        """Joins from the root to every wish, in the order said; None if one has no single way."""
        steps: list[Step] = []
        said: dict[str, int] = {root: -1}
        for wish in sorted(wishes, key=lambda w: w.place):
            if wish.table in said:
                said[wish.table] = wish.place
                continue
            path = self._path(wish, said)
            if path is None:
                return None
            for before, link in path:
                table = link.target if link.table == before else link.table
                if table not in said:
                    steps.append(Step(table, link, link.target == before))
                    said[table] = -1
            said[wish.table] = wish.place
        return steps if len(steps) <= most else None

    def _path(self, wish: Wish, said: Mapping[str, int]) -> list[tuple[str, Link]] | None:
        """From the nearest table so far; of equally near ones the one said last before it."""
        nearest = min((self.distance(name, wish.table) for name in said), default=FAR)
        if nearest >= FAR:
            return None
        starts = [name for name in said if self.distance(name, wish.table) == nearest]
        starts.sort(key=lambda name: said[name] if said[name] < wish.place else -2, reverse=True)
        if len(starts) > 1 and said[starts[0]] == said[starts[1]]:
            return None
        import networkx as nx

        paths = list(nx.all_shortest_paths(nx.Graph(self._graph), starts[0], wish.table))
        return self._links(paths[0], wish.roles) if len(paths) == 1 else None

    def _links(self, nodes: Sequence[str], roles: frozenset[str]) -> list[tuple[str, Link]] | None:
        """One link for each step; of parallel ones the one whose role was said, or a plain one."""
        found: list[tuple[str, Link]] = []
        for before, after in pairwise(nodes):
            links = [data["link"] for data in self._graph[before][after].values()]
            if len(links) > 1:
                said = [link for link in links if link.role and link.role in roles]
                links = said or [link for link in links if not link.role]
            if len(links) != 1:
                return None
            found.append((before, links[0]))
        return found

    def _nearest(self, name: str, reached: Iterable[str]) -> int:
        return min(self.distance(name, other) for other in reached)
