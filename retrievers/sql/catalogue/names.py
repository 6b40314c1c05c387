"""Reads identifiers as their authors meant them: `sbCustJoinDate` is customer, join, date."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

_PIECE = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")


def _abbreviations(text: str) -> Mapping[str, str]:
    entries = (entry.split() for entry in text.split(","))
    return {short: " ".join(full) for short, *full in entries}


ABBREVIATIONS = _abbreviations(
    """
    addr address, admin administration, amt amount, appr approval, appt appointment, avg average,
    bd board, cat category, ccy currency, cd code, cert certification, cnt count, crtd created,
    ctry country, cust customer, dept department, desc description, dest destination, diag
    diagnosis, dim dimension, dob birth date, doc doctor, dos dosage, dt date, dttm datetime, emp
    employee, freq frequency, grp group, hr hour, hrs hours, img image, ins insurance, inv
    invoice, lang language, lat latitude, lng longitude, loc location, lon longitude, max maximum,
    meds medications, mgr manager, min minimum, mins minutes, msg message, nbr number, no number,
    num number, ord order, org organization, orig origin, pct percent, perc percent, pos position,
    prod product, qty quantity, recd received, ref reference, reg registration, req required, sal
    salary, seq sequence, sess session, spec specialty, src source, stat status, tel telephone,
    tot total, trx transaction, ts timestamp, tx transaction, txn transaction, upd updated, usr
    user, val value, vol volume, wt weight, yr year
    """
)
"""Of parts of names. `id` stays `id`."""

COMMON = frozenset(
    re.findall(
        r"\w+",
        """
        address age amount area author average birth book born by capital category citation cited
        citing city class code color comment company cost count country course created currency
        customer data date day department description district document duration email employee
        end event field file film first flight full gender grade group head height home hour id
        invoice item job journal key keyword kind language last length level line list location
        mail manager max member method min minute model month movie name number num office order
        owner page paper path person phone place player point population post price product
        publication quantity rank rate rating reference region release review sale sales salary
        score season section series service set song source start state station status stock store
        street student subject team text time title to total track type unit url user value venue
        version week weight word work world year zip
        """,
    )
)
"""Words that glued names are cut into, beside those of the schema itself."""

_IRREGULAR = {
    "children": "child",
    "criteria": "criterion",
    "diagnoses": "diagnosis",
    "ids": "id",
    "ins": "in",
    "men": "man",
    "people": "person",
    "women": "woman",
}


def singular(word: str) -> str:
    """A light stem, the same for singular and plural; nothing else is folded."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 4 and word.endswith("ie"):
        word = word[:-2] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes", "tuses")):
        word = word[:-2]
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    return word


def squash(words: Iterable[str]) -> str:
    """The key under which a run of words is looked up: `check-ins`, `check in` and `checkin`."""
    return "".join(singular(word) for word in words)


def split(name: str) -> tuple[str, ...]:
    """Parts of an identifier, lower case: at underscores, camel case and digits."""
    return tuple(piece.lower() for piece in _PIECE.findall(name))


def cut(word: str, known: Collection[str]) -> tuple[str, ...]:
    """A glued name as known words, the fewest that fill it (`numcitedby`); itself if none do."""
    if len(word) < 6 or word in COMMON or word in known:
        return (word,)
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 16), end - 1):
            before, piece = best[start], word[start:end]
            if before is None or (piece not in known and singular(piece) not in known):
                continue
            found = best[end]
            if found is None or len(before) + 1 < len(found):
                best[end] = (*before, piece)
    return best[-1] or (word,)


def expand(words: Sequence[str]) -> tuple[str, ...]:
    """With abbreviations written out; `no` at the front is a no."""
    found: list[str] = []
    for place, word in enumerate(words):
        full = word if word == "no" and not place else ABBREVIATIONS.get(word, word)
        found += full.split()
    return tuple(found)


def common_prefix(names: Sequence[Sequence[str]]) -> int:
    """How many leading words all names share, leaving each at least one."""
    if len(names) < 3:
        return 0
    shared = 0
    for column in zip(*names, strict=False):
        if len(set(column)) > 1:
            break
        shared += 1
    return min(shared, min(len(name) for name in names) - 1)
