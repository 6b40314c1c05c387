"""Word lists of the rule planner: English function words, relations, and what clauses are made of.

All lower-case. They were tuned together with the cuts on development questions: a word more or
less changes where a clause ends, so a change needs the share of complete plans measured again.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


BEING = _words("is was are were")

AUXILIARIES = _words(
    """is was were are be been did does do has have had will can could would should may might"""
)
"""Where one stands after a name, the main clause goes on: the clause before it has ended."""

FUNCTION_WORDS = AUXILIARIES | _words(
    """what who whom whose which where when why how many much long old
    the a an of in on at for to by from with as and or its their his her that this it there
    name year date"""
)
"""Carry no content: a node of these alone asks nothing."""

ARTICLES = _words("the a an")

ROLES = _words(
    """father mother husband wife spouse son daughter brother sister sibling parent child partner
    uncle aunt grandfather grandmother namesake successor predecessor
    director performer performers composer author writer producer creator editor singer actor
    actress coach manager designer architect inventor discoverer
    founder owner purchaser ceo publisher developer manufacturer maker employer leader president
    headquarters label league team university school band
    capital birthplace hometown county city state country continent region"""
)
"""Nouns that relate something to a name: "the R of X", "X's R"."""

COMMON_ROLES = _words("country city state band team school")
"""Roles that more often say what kind of thing is compared ("which city is larger, A or B")."""

TRAILING = _words(
    """is are was were be can exist located situated based held buried raised born died lived live
    lives found founded formed established made created produced published released recorded
    written directed set headquartered lies belongs occur occurred take takes took place
    play plays played in from by at on"""
)
"""May follow the last name of a clause and still belong to it: "… Ada Bell was born in"."""

RELATIVES = _words("who whom whose which that where")
"""Open a relative clause."""

PARTICIPLES = _words(
    """sharing containing ruling bordering playing starring featuring producing hosting owning using
    including voicing surrounding publishing releasing
    founded created written directed published released located played owned made"""
)
"""Open a clause without a relative pronoun: "the county bordering X"."""

BEFORE_WHICH = _words("in of on at from for by to")
"""Prepositions that a "which" takes with it: "the year in which"."""

NOUN_PHRASE_LINKS = _words("of in and for")
"""Function words a noun phrase may hold between its article and its relative clause."""

NOMINAL_LINKS = _words("of with by for from in containing behind")
"""Join a noun to a name: "the mayor of X", "the woman behind X"."""

NAME_PARTICLES = _words("of the and de von van in")
"""May stand inside a possessive name: "Duke of X's"."""

PREDICATES = _words(
    """is was were are had has also did stars starred features featured released played written"""
)
"""Begin the second predicate of an intersection: "which X … and was …"."""

SMALLER_WORDS = _words("""less least fewer fewest smaller smallest shorter shortest lower lowest""")
EARLIER_WORDS = _words("first earlier earliest older oldest")
LEAST_WORDS = SMALLER_WORDS | EARLIER_WORDS
"""Ask for the lower end of a scale: to be older is to have the lesser date."""

LATER_WORDS = _words("last later latest younger youngest newer newest recent recently")
MOST_WORDS = LATER_WORDS | _words(
    """more most longer longest larger largest higher highest bigger biggest greater greatest
    taller tallest deeper deepest wider widest heavier heaviest faster fastest"""
)
"""Ask for the upper end of a scale."""

TIME_WORDS = EARLIER_WORDS | LATER_WORDS
"""Compare dates; the other words of a scale compare numbers."""

SCALE_WORDS = _words(
    """first earlier later older oldest younger more most longer larger higher bigger last recent
    recently"""
)
"""Behind one of these, "A or B" is a comparison without a comma, too."""
