"""Questions to the harbour database, asked of the retriever as the engine asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from retrievers.sql.tables import SqlRetriever
from retrievers.types import Query, Rows
from tests.tables import HERE, Sources, harbour_file, spec_of

TODAY = date(2024, 7, 15)


@pytest.fixture(scope="module")
async def retriever(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SqlRetriever]:
    path: Path = harbour_file(tmp_path_factory.mktemp("harbour"))
    retriever = SqlRetriever(Sources(spec_of(path)), today=lambda: TODAY)
    yield retriever
    await retriever.close()


ANSWERED: dict[str, list[tuple[object, ...]]] = {
    # counts and totals
    "How many ships are there?": [(5,)],
    "What is the number of harbours in Norland?": [(2,)],
    "How many freighters are there?": [(3,)],
    "How many voyages did Heron make?": [(2,)],
    "What is the total cost of all voyages?": [(181850.75,)],
    "What is the average depth of harbours?": [(12.75,)],
    "What is the highest tonnage?": [(9100,)],
    "How many different ship types are there?": [(3,)],
    "How many ships have a tonnage above 4000?": [(3,)],
    "How many ships were built after 2000?": [(3,)],
    "How many voyages were there in 2023?": [(2,)],
    "How many voyages were there in June 2024?": [(2,)],
    "How many voyages were there in the last 3 months?": [(2,)],
    "How many voyages were there last month?": [(2,)],
    "How many voyages started between 2023-08-01 and 2024-01-31?": [(2,)],
    "How many harbours are open?": [(3,)],
    "How many captains have made more than 2 voyages?": [(2,)],
    # groups
    "How many ships are there of each type?": [("freighter", 3), ("trawler", 1), ("tanker", 1)],
    "What is the average tonnage by ship type?": [
        ("tanker", 9100.0),
        ("freighter", pytest.approx(4166.667, abs=0.001)),
        ("trawler", 450.0),
    ],
    "How many voyages did each captain make?": [("Tobin", "Reed", 3), ("Mara", "Oake", 3)],
    "What is the total cargo tons of voyages for each ship?": [
        ("Petrel", 13900),
        ("Gannet", 2500),
        ("Heron", 2100.5),
        ("Skua", 80),
    ],
    "What is the total cost of voyages per year?": [("2024", 148350.25), ("2023", 33500.5)],
    "How many harbours are there in each country?": [("Vesta", 2), ("Norland", 2)],
    "What is the average cost of voyages by ships in each country?": [
        ("Vesta", 62625.125),
        ("Norland", 14150.125),
    ],
    # superlatives
    "Which ship has the highest tonnage?": [("Petrel", 9100)],
    "What is the oldest ship?": [("Skua", 1987)],
    "What are the top 2 ships by tonnage?": [("Petrel", 9100), ("Tern", 5200)],
    "What is the name of the ship with the lowest tonnage?": [("Skua",)],
    "Which harbour is the deepest?": [("Cape Amber", 22)],
    "Which country has the most harbours?": [("Vesta", 2)],
    "Which two ships made the most voyages?": [("Petrel", 2), ("Heron", 2)],
    "Who is the youngest captain?": [("Isla", "Finch", "1985-07-19")],
    # comparisons and existence
    "Which ship has made more voyages, Heron or Skua?": [("Heron", 2), ("Skua", 1)],
    "Which ship has a higher tonnage, Heron or Petrel?": [("Petrel", 9100), ("Heron", 4200)],
    "Are there any ships built after 2000?": [(3,)],
    "Is there a harbour in Vesta?": [(2,)],
    # lists and attributes
    "What is the tonnage of Heron?": [(4200,)],
    "What is the birth date of the captain Mara Oake?": [("1971-04-02",)],
    "List the names and tonnages of all tankers": [("Petrel", 9100)],
    "Which ships have a tonnage between 3000 and 4500?": [("Heron",), ("Gannet",)],
    'List ships named "Skua"': [("Skua",)],
    'List the voyages about the ship "Skua"': [(6,)],
    'Which harbours have "port" in their name?': [("Port Quill",)],
    "Which harbours are not in Norland?": [("Cape Amber",), ("Old Ferry",)],
    "Which ships have no voyages?": [("Tern",)],
    "Which captains have not made any voyages?": [("Isla", "Finch")],
    "Which ships have made more than 1 voyage?": [("Heron",), ("Petrel",)],
    "Which captains sailed Petrel?": [("Mara", "Oake"), ("Tobin", "Reed")],
    "List the ships whose home is Port Quill": [("Heron",), ("Gannet",)],
    "Which ships were built before 1990 or have a tonnage above 9000?": [("Petrel",), ("Skua",)],
    "Which freighters were built after 2000?": [("Gannet",), ("Tern",)],
    "List all harbours in Vesta, ordered by depth in descending order": [
        ("Cape Amber", 22),
        ("Old Ferry", 6),
    ],
}


@pytest.mark.anyio
@pytest.mark.parametrize("question", ANSWERED)
async def test_questions_of_the_supported_kinds_are_answered(
    retriever: SqlRetriever, question: str
) -> None:
    found = await retriever.search(Query(HERE, question), 3)
    assert len(found) == 1, "abstained"
    assert isinstance(found[0].origin, Rows)
    assert list(found[0].origin.rows) == ANSWERED[question], found[0].origin.statement


ABSTAINED = [
    # needs more than the templates say
    "What is the ratio of tankers to freighters?",
    "What share of voyages was made by Heron?",
    "What is the median tonnage of ships?",
    "Which ship has the highest tonnage in each country?",
    "Rank the ships by tonnage",
    "How did the cost of voyages change from 2023 to 2024?",
    "Which ships or captains have a tonnage above 9000?",
    "Which harbours are similar to Saltmouth?",
    "What is the difference between the tonnage of Heron and Gannet?",
    "How many ships were delayed by fog?",
    "Which ships carry cheese?",
    "What is the average?",
    "How many?",
    "Which ship made more voyages?",
    "Which ships are met by more than 1 ship?",
    "How many ships are met by more than 1 ship?",
    "Are there more tankers than trawlers?",
    "What does the harbour sell?",
    "Which ships do you know?",
    "Where is Saltmouth?",
    "ships",
    "Which is the best ship?",
    "Which captain is the bravest?",
    "How many ships are blue?",
    # prose about the same world
    "Who built the lighthouse that stands at the mouth of the river?",
    "Why do ships float?",
    "What did the captain say to the crew before the storm?",
    "Who wrote the novel about a captain and a white whale?",
    "How deep is the sea near the harbour where the ferry sank?",
    "What is the name of the country where the captain was born?",
    "When was the harbour of Hamburg built?",
    "Which ship sank on its first voyage?",
    "Describe the voyage of the Beagle",
    "What was the cost of the war?",
    "Which country has the longest coast?",
    "What is the capital of Norland?",
    "How many people live in Saltmouth?",
    "",
    "?",
    "hello",
    "the of and",
]


@pytest.mark.anyio
@pytest.mark.parametrize("question", ABSTAINED)
async def test_other_questions_find_nothing(retriever: SqlRetriever, question: str) -> None:
    found = await retriever.search(Query(HERE, question), 3)
    assert [e.origin for e in found] == []


@pytest.mark.anyio
async def test_totals_and_single_facts_are_certain_and_lists_are_not(
    retriever: SqlRetriever,
) -> None:
    async def score(question: str) -> float:
        (found,) = await retriever.search(Query(HERE, question), 3)
        return found.score

    assert await score("How many ships are there?") >= 0.75
    assert await score("What is the tonnage of Heron?") >= 0.75
    assert await score("Which ship has the highest tonnage?") >= 0.75
    assert 0.5 <= await score("Which harbours are not in Norland?") < 0.75
    assert 0.5 <= await score("List the ships whose home is Port Quill") < 0.75


@pytest.mark.anyio
@pytest.mark.parametrize(
    "question",
    [
        "HOW MANY SHIPS ARE THERE?",
        "how many ships are there",
        "How   many\nships are there ?",
        "number of ships",
        "count of ships",
        "What is the total number of ships?",
    ],
)
async def test_the_same_question_written_otherwise_has_the_same_answer(
    retriever: SqlRetriever, question: str
) -> None:
    (found,) = await retriever.search(Query(HERE, question), 3)
    assert isinstance(found.origin, Rows)
    assert found.origin.rows == ((5,),)
    assert found.origin.columns == ("count",)


@pytest.mark.anyio
async def test_the_same_question_gives_the_same_bytes(retriever: SqlRetriever) -> None:
    question = Query(HERE, "How many voyages did each captain make?")
    (first,) = await retriever.search(question, 3)
    for _ in range(20):
        assert await retriever.search(question, 3) == [first]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "question", ["What is the depth of Saltmoutth?", 'What is the depth of "Salt mouthh"?']
)
async def test_a_slip_of_the_pen_is_forgiven_but_not_certain(
    retriever: SqlRetriever, question: str
) -> None:
    (found,) = await retriever.search(Query(HERE, question), 3)
    assert isinstance(found.origin, Rows)
    assert found.origin.rows == ((9,),)
    assert "'Saltmouth'" in found.origin.statement
    assert found.score < 0.75


@pytest.mark.anyio
@pytest.mark.parametrize(
    "question", ["What is the depth of Mouthsalt?", 'What is the tonnage of "Heron 2"?']
)
async def test_another_name_is_no_slip(retriever: SqlRetriever, question: str) -> None:
    assert await retriever.search(Query(HERE, question), 3) == []
