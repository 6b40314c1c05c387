"""What English words mean for columns: superlatives, opposites, directions, persons, synonyms.

General language only: no schema's words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

ADJECTIVES: Mapping[str, tuple[str, ...]] = {
    "longest": ("length", "duration", "time elapsed", "milliseconds", "runtime", "distance"),
    "shortest": ("length", "duration", "time elapsed", "milliseconds", "runtime", "distance"),
    "oldest": ("birth date", "birth", "age", "founded", "year", "birth year", "hire date"),
    "youngest": ("birth date", "birth", "age", "birth year"),
    "newest": ("date", "created", "year", "release date", "founded"),
    "latest": ("date", "created", "year", "release date"),
    "most recent": ("date", "created", "year", "release date"),
    "most recently": ("date", "created", "year", "release date"),
    "earliest": ("date", "created", "year", "release date"),
    "highest": ("altitude", "elevation", "height"),
    "tallest": ("height", "altitude", "elevation"),
    "lowest": ("altitude", "elevation"),
    "largest": ("area", "population", "size", "capacity"),
    "biggest": ("area", "population", "size", "capacity"),
    "smallest": ("area", "population", "size", "capacity"),
    "cheapest": ("price", "cost", "fee", "fare"),
    "expensive": ("price", "cost", "fee", "fare"),
    "heaviest": ("weight",),
    "lightest": ("weight",),
    "fastest": ("speed",),
    "slowest": ("speed",),
    "deepest": ("depth",),
    "best": ("rating", "score", "stars"),
    "worst": ("rating", "score", "stars"),
    "best rated": ("rating", "score", "stars"),
    "highest rated": ("rating", "score", "stars"),
    "lowest rated": ("rating", "score", "stars"),
    "worst rated": ("rating", "score", "stars"),
    "cited": ("citation", "cited by"),
    "populated": ("population",),
    "populous": ("population",),
    "rated": ("rating", "score", "stars"),
    "reviewed": ("review",),
}
"""What a superlative without a noun of its own measures; the first that the table has."""

COMPARATIVES: Mapping[str, str] = {
    "longer than": "longest",
    "shorter than": "shortest",
    "older than": "oldest",
    "younger than": "youngest",
    "larger than": "largest",
    "bigger than": "biggest",
    "smaller than": "smallest",
    "higher than": "highest",
    "taller than": "tallest",
    "lower than": "lowest",
    "cheaper than": "cheapest",
    "heavier than": "heaviest",
    "lighter than": "lightest",
}
"""The superlative that measures the same."""

ANTONYMS: Mapping[str, str] = {
    "inactive": "active",
    "closed": "open",
    "unavailable": "available",
    "disabled": "enabled",
    "unpaid": "paid",
    "unverified": "verified",
    "incomplete": "complete",
    "invalid": "valid",
}
"""What a yes-or-no column says no to."""

WAYS: Mapping[str, str] = {
    **dict.fromkeys(("arrive", "arrives", "arriving", "arrival", "arrivals", "landing"), "to"),
    **dict.fromkeys(("depart", "departs", "departing", "departure", "departures"), "from"),
    **dict.fromkeys(("leave", "leaves", "leaving"), "from"),
}
"""Verbs that say which of two places is meant."""

REVERSED = frozenset({"oldest", "youngest"})
"""The oldest has the earliest date, but the largest age."""

PERSONS = frozenset(
    re.findall(
        r"\w+",
        """
    person author employee customer student instructor user patient doctor captain salesperson
    artist actor director writer member owner manager player teacher professor client driver
    passenger guest agent staff worker reviewer contact candidate musician composer researcher
    scientist physician nurse supplier vendor seller buyer subscriber friend lawyer representative
        """,
    )
)
"""Tables that answer "who"."""

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "author": ("writer", "researcher"),
    "paper": ("publication", "article"),
    "publication": ("paper", "article"),
    "organization": ("organisation", "institution", "affiliation"),
    "instructor": ("teacher", "professor", "lecturer"),
    "student": ("pupil",),
    "course": ("class",),
    "customer": ("client", "buyer", "user", "shopper"),
    "user": ("customer", "member"),
    "client": ("customer",),
    "employee": ("staff", "worker", "staff member"),
    "salesperson": ("sales rep", "sales representative", "salespeople", "seller", "sales person"),
    "supplier": ("vendor",),
    "vendor": ("supplier",),
    "product": ("item", "good"),
    "order": ("purchase",),
    "orderdetail": ("order line", "line item", "order item"),
    "invoice": ("bill",),
    "track": ("song",),
    "artist": ("band", "musician"),
    "movie": ("film",),
    "film": ("movie",),
    "drug": ("medication", "medicine"),
    "medication": ("drug", "medicine"),
    "doctor": ("physician",),
    "diagnosis": ("condition", "disease"),
    "company": ("firm", "business"),
    "business": ("company", "shop", "establishment"),
    "restaurant": ("eatery", "diner"),
    "neighbourhood": ("neighborhood",),
    "neighborhood": ("neighbourhood",),
    "airline": ("carrier",),
    "aircraft": ("plane", "airplane"),
    "population": ("people", "inhabitant", "resident"),
    "altitude": ("elevation", "height"),
    "mountainaltitude": ("height", "elevation"),
    "price": ("cost",),
    "cost": ("price",),
    "amount": ("value", "sum"),
    "saleprice": ("revenue", "sales amount", "sale amount", "sales revenue", "sales"),
    "unitprice": ("price",),
    "salary": ("wage", "pay"),
    "rating": ("score", "star"),
    "score": ("rating",),
    "gender": ("sex",),
    "email": ("email address", "mail address"),
    "phone": ("telephone", "phone number", "telephone number"),
    "zip": ("zip code", "postal code", "postcode"),
    "zipcode": ("zip", "postal code", "postcode"),
    "postalcode": ("zip code", "zip", "postcode"),
    "birthdate": ("date of birth", "birthday", "birth", "born"),
    "dateofbirth": ("birth date", "birthday", "birth", "born"),
    "hiredate": ("hired",),
    "joindate": ("joined", "signup date", "signed up", "registered", "sign up date"),
    "dateofregistration": ("registration date", "registered"),
    "startdate": ("started", "began", "start"),
    "enddate": ("ended", "finished", "end"),
    "terminationdate": ("terminated", "left"),
    "department": ("dept",),
    "title": ("name",),
    "type": ("kind", "category"),
    "category": ("type", "kind"),
    "genre": ("category", "style"),
    "country": ("nation",),
    "state": ("province",),
    "city": ("town",),
    "length": ("duration",),
    "millisecond": ("length", "duration"),
    "timeelapsed": ("duration",),
    "quantity": ("number of units", "units"),
    "ticker": ("stock", "ticker symbol"),
    "tickersymbol": ("symbol",),
    "transaction": ("trade",),
    "text": ("message", "content", "comment"),
    "weight": ("weigh",),
    "total": ("revenue", "sales amount"),
    "foodtype": ("cuisine", "food"),
    "totalgpa": ("gpa", "grade point average"),
    "onedirectioncost": ("one way cost", "one way trip cost", "one-way fare"),
    "domain": ("field",),
    "keyphrase": ("key phrase",),
    "close": ("closing price", "closing", "close price", "closest price"),
    "open": ("opening price", "opening"),
    "manufacturer": ("maker",),
    "make": ("brand",),
    "manager": ("boss",),
    "citedby": ("citation",),
    "citing": ("reference",),
    "adverseevent": ("side effect", "adverse reaction"),
}
"""By squashed name: other words for it. Owners may add their own."""
