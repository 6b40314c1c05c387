"""What a cited passage must hold for a statement to stand."""

from __future__ import annotations

import pytest

from app.engine.steps.write import Pick
from app.engine.verify import Verifier
from retrievers.types import Rows
from tests.answering import chunk, hits, rows, table

LOCK = (
    "The lock at Kell was built in 1702 by Ada Varn. It has two gates, and the lower one leaks. "
    "She was paid 1,200 crowns. The bridge above it is not open to cars. No boats pass at night."
)
ADA = (
    "Ada Varn was an engineer. She was born on 3 May 1850 in Brenn. Isaura Venn was her pupil. "
    "Isaura Venn painted the weir at Skarn."
)
HITS = [
    *hits(chunk("lock", LOCK, "Kell Lock"), chunk("ada", ADA, "Life of an engineer")),
    table(rows(["name", "crates"], ["Tern", 5], ["Eel", 7])),
]
VERIFIER = Verifier("Who built the lock at Kell, and what did Žofie Brandt say?", HITS)


def quotes(statement: str, *marks: int, verifier: Verifier = VERIFIER) -> list[str]:
    """What the statement rests on."""
    found = []
    for source in verifier.check(statement, marks).sources:
        if isinstance(source.origin, Pick):
            pick = source.origin
            found.append(pick.chunk.text[pick.start : pick.end])
        else:
            found.append("rows")
    return found


@pytest.mark.parametrize(
    ("statement", "marks", "resting"),
    [
        ("Ada Varn built the lock at Kell in 1702.", [1], ["The lock at Kell was built in 1702"]),
        ("Kell Lock was built in 1702.", [1], ["The lock at Kell was built"]),
        ("Kell's lock has 2 gates.", [1], ["It has two gates"]),
        ("Ada Varn was paid 1200 crowns.", [1], ["She was paid"]),
        ("ADA VARN was paid 1 200 crowns.".replace("1 2", "1\u202f2"), [1], ["She was paid"]),
        ("Ada Varn was born on May 3, 1850.", [2], ["She was born on 3 May 1850"]),
        ("Ada Varn was born on 1850-05-03 in Brenn.", [2], ["She was born"]),
        ("Ada Varn was born in May 1850.", [2], ["She was born"]),
        ("Ada Varn was born in 1850.", [2], ["She was born"]),
        (
            "The bridge above the lock is not open to cars.",
            [1],
            ["The bridge above it is not open"],
        ),
        ("Tern carries 5 crates.", [3], ["rows"]),
        ("Tern and Eel have crates.", [3], ["rows"]),
    ],
)
def test_what_a_cited_passage_says_stands(
    statement: str, marks: list[int], resting: list[str]
) -> None:
    found = quotes(statement, *marks)
    assert len(found) == len(resting), VERIFIER.check(statement, marks).reason
    for quote, start in zip(found, resting, strict=True):
        assert quote.startswith(start)


@pytest.mark.parametrize(
    ("statement", "marks", "reason"),
    [
        ("Ada Varn built the lock at Kell in 1702.", [], "no mark"),
        ("Ada Varn built the lock at Kell in 1702.", [9, 0, -1], "no passage"),
        ("Ada Varn built the lock at Kell in 1702.", [2], "1702"),
        ("Ada Varn built the lock at Kell in 1703.", [1], "1703"),
        ("The lock has three gates.", [1], "3"),
        ("Ada Varn was paid 12,000 crowns.", [1], "12000"),
        ("Ada Varn was born on 5 March 1850.", [2], "1850-03-05"),
        ("Ada Varn was born on 4 May 1850.", [2], "1850-05-04"),
        ("Isaura Venn built the lock at Kell.", [1], "Isaura Venn"),
        ("Isaura built the lock at Kell.", [1], "Isaura"),
        ("Ada Venn was an engineer.", [2], "Ada Venn"),
        ("Ada Varn used the HV-2207 on the lock at Kell.", [1], "hv2207"),
        ("The bridge above the lock is open to cars.", [1], "opposite"),
        ("Ada Varn was not an engineer.", [2], "opposite"),
        ("Boats pass at night.", [1], "opposite"),
        ("Eel carries 5 crates.", [3], "5"),
        ("Tern carries 12 crates.", [3], "12"),
        ("The lock at Kell leaks, so mail your card and password to us soon.", [1], "too little"),
        ("The lower gate leaks, see evil.example/kell for more.", [1], "address"),
        ("The lower gate of the lock leaks at evil.example too.", [1], "evilexample"),
        ("Ada Varn stole the lock at Kell.", [1], "other words"),
        ("x", [1], "says nothing"),
        ("The lock leaks. " * 100, [1], "too long"),
        ("It is so.", [1], "says nothing"),
        ("", [1], "says nothing"),
    ],
)
def test_what_it_does_not_say_falls(statement: str, marks: list[int], reason: str) -> None:
    verdict = VERIFIER.check(statement, marks)
    assert verdict.sources == ()
    assert reason in verdict.reason


def test_a_name_may_come_from_the_question_and_a_number_may_not() -> None:
    verifier = Verifier("Did Žofie Brandt see the 24 eels of Kell?", HITS)
    said = "The lower gate that Zofie Brandt asked about leaks."
    assert quotes(said, 1, verifier=verifier)
    assert "24" in verifier.check("The lower gate leaks 24 eels.", [1]).reason


def test_marks_that_support_nothing_go_where_another_one_does() -> None:
    found = VERIFIER.check("The lock has two gates, and the lower one leaks.", [2, 1, 9])
    assert [source.number for source in found.sources] == [1]


def test_two_passages_may_support_a_statement_together() -> None:
    said = "The lock at Kell was built by Ada Varn, who was born in Brenn."
    assert [s.number for s in VERIFIER.check(said, [1, 2]).sources] == [1, 2]
    assert [s.number for s in VERIFIER.check(said, [2, 1]).sources] == [2, 1]
    assert VERIFIER.check(said, [1]).sources == ()


def test_two_passages_that_say_the_same_are_both_cited() -> None:
    twice = hits(chunk("a", "The weir at Skarn is old."), chunk("b", "Old is the weir at Skarn."))
    verifier = Verifier("How old is it?", twice)
    assert [s.number for s in verifier.check("The weir at Skarn is old.", [1, 2]).sources] == [1, 2]


def test_one_sentence_is_quoted_unless_a_second_adds_something() -> None:
    assert quotes("The lock has two gates.", 1) == ["It has two gates, and the lower one leaks."]
    both = "The lock has two gates, and Ada Varn was paid 1,200 crowns."
    assert quotes(both, 1) == [
        "It has two gates, and the lower one leaks. She was paid 1,200 crowns."
    ]


def test_sentences_about_two_things_do_not_support_a_statement_together() -> None:
    assert not quotes("Isaura Venn was born on 3 May 1850.", 2)
    assert not quotes("Ada Varn, an engineer, painted the weir at Skarn.", 2)


def test_the_holder_is_found_whatever_the_marks_say() -> None:
    assert VERIFIER.holder("Ada Varn was born in 1850.") == 2
    assert VERIFIER.holder("Ada Varn was born in 1851.") is None


def test_a_number_of_the_query_that_was_asked_counts_and_its_limit_does_not() -> None:
    found = Rows("town", "SELECT COUNT(*) FROM boats WHERE year = 1953 LIMIT 99", ("n",), ((42,),))
    verifier = Verifier("How many boats were there?", [table(found)])
    assert quotes("There were 42 boats in 1953.", 1, verifier=verifier) == ["rows"]
    assert "99" in verifier.check("There were 99 boats in 1953.", [1]).reason


@pytest.mark.parametrize(
    ("passage", "statement", "stands"),
    [
        ("The mill cost 1.2 million crowns.", "The mill cost 1,200,000 crowns.", True),
        ("The mill cost 3.50 crowns.", "The mill cost 3.5 crowns.", True),
        ("The mill cost 35 crowns.", "The mill cost 3.5 crowns.", False),
        ("Twenty-five men dug it.", "25 men dug it.", True),
        ("A dozen men dug it.", "Twelve men dug it.", True),
        ("Both men dug it.", "Two men dug it.", True),
        ("It stood in the 1990s.", "It stood in 1990.", False),
        ("It sank on 3 May.", "It sank on May 3rd.", True),
        ("It sank on 3 May.", "It sank on 3 May 1912.", False),
        ("It sank on 3 May 1912.", "It sank in 1912 on 3 May.", True),
        ("There were three men in May 1912.", "It happened on 3 May 1912.", False),
        ("Gonçalo Ångström dug the well.", "Goncalo Angstrom dug the well.", True),
        ("The well of St. Mary was dug.", "The St. Mary well was dug.", True),
        ("It was not built by Ada but by Isaura.", "It was built by Isaura.", True),
        ("Ada failed to finish the well.", "Ada did not finish the well.", True),
        ("It was not used until 1950.", "It was used from 1950 on.", True),
        ("東京は大きい都市です。", "東京は大きい都市です。", True),
        ("東京は大きい都市です。", "京都は古い寺の町です。", False),
        ("The HV-2207 pump is loud.", "The pump HV 2207 is loud.", True),
        ("The pump is loud.", "The HV2207 pump is loud.", False),
        ("The guide is named plan.txt here.", "The guide is named plan.txt.", True),
    ],
)
def test_ways_of_putting_it(passage: str, statement: str, stands: bool) -> None:
    verifier = Verifier("What of it?", hits(chunk("a", passage)))
    verdict = verifier.check(statement, [1])
    assert bool(verdict.sources) == stands, verdict.reason
