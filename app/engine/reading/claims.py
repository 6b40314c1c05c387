"""What a text claims that can be looked up: its numbers, dates, codes and names, made comparable.

"1,200" and "1200" are one number, "3 May 1912" and "May 3, 1912" one date, "Žižka" and "ZIZKA" one
name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

from app.engine.reading.question import names
from app.engine.reading.words import STOP_WORDS, stem, words

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i"}
)
_WORD = re.compile(r"[^\W_]+")

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>jan(?:uary|\.)?|feb(?:ruary|\.)?|mar(?:ch|\.)?|apr(?:il|\.)?|may|june?\.?|july?\.?"
    r"|aug(?:ust|\.)?|sept?(?:ember|\.)?|oct(?:ober|\.)?|nov(?:ember|\.)?|dec(?:ember|\.)?)"
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{3,4})"
_DATES = tuple(
    re.compile(rf"(?<![\w.,]){form}(?!\w)", re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})-(?P<number>\d{2})-(?P<day>\d{2})",
        rf"{_DAY}\ (?:of\ )?{_MONTH}(?:,?\ (?:of\ )?{_YEAR})?",
        rf"{_MONTH}\ {_DAY}(?:,?\ {_YEAR})?",
        rf"{_MONTH},?\ (?:of\ )?{_YEAR}",
    )
)
_NUMBER = re.compile(
    r"(?<![\w])(?P<digits>\d{1,3}(?:[,'’]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?P<decade>s\b)?(?:[ -]?(?P<scale>hundred|thousand|million|billion|trillion)s?\b)?",
    re.IGNORECASE,
)
_THIN = re.compile(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3}(?!\d))")
_SCALES = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_UNITS_TEXT = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS_TEXT = "twenty thirty forty fifty sixty seventy eighty ninety"
_COUNTED = {
    **{word: value for value, word in enumerate(_UNITS_TEXT.split())},
    **{word: 10 * value for value, word in enumerate(_TENS_TEXT.split(), 2)},
    "both": 2, "twice": 2, "pair": 2, "couple": 2, "dozen": 12,
}  # fmt: skip
_SPOKEN = re.compile(
    rf"\b(?P<first>{'|'.join(_COUNTED)})(?:[ -](?P<second>{'|'.join(_UNITS_TEXT.split()[1:10])}))?"
    rf"(?:[ -](?P<scale>{'|'.join(_SCALES)})s?)?\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\w-])(?=[\w-]*\d)[^\W\d_][\w-]*(?![\w-])|\d+[^\W\d_]+\d[\w-]*")
_DOTTED = re.compile(r"(?<![\w.])\w[\w-]*(?:\.\w[\w-]*)*\.[a-z]{2,24}(?![\w])", re.IGNORECASE)
_COMPOUND = re.compile(r"[a-zß-öø-ÿ]+-")  # "mid-1912" is a word and a number
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|s)?")
_BLOT = re.compile(r",{3,}")  # where a date stood
_JOINS = re.compile(r" (?:and|of the|of|de|for|&) (?:the )?")
_OPENERS_TEXT = """
according additionally although because consequently construction despite finally furthermore hence
however initially instead like moreover nevertheless note originally overall people similarly since
specifically subsequently therefore thus today together unlike yes no work later earlier another
"""
_OPENERS = STOP_WORDS | frozenset(_OPENERS_TEXT.split())
_COMMON = re.compile(r".{4,}(?:tions?|ments?|ness|ally|ingly)$")
_REACH = 3  # words between the parts of a name that is put otherwise ("lock at Kell")


@dataclass(frozen=True, slots=True)
class Claims:
    """What must be found in the text that a statement cites."""

    numbers: frozenset[str]
    dates: frozenset[str]
    codes: frozenset[str]
    names: tuple[str, ...]  # as written
    opening: str  # the first word, where it may be a name or an ordinary word; mostly empty


def claims(statement: str) -> Claims:
    """Read a statement; of a date only its fullest form counts."""
    statement = _normal(statement)
    dates = [date for date, _ in _dates(statement)]
    rest = _blotted(statement)
    codes = _codes(rest)
    uncoded = rest
    for code in codes:
        uncoded = uncoded.replace(code, ",")
    told, opening = _names(rest)
    return Claims(
        numbers=frozenset(_numbers(uncoded, spoken_one=False)),
        dates=frozenset(dates),
        codes=frozenset(map(_squeezed, codes)),
        names=told,
        opening=opening,
    )


class Evidence:
    """A text in which claims are looked up."""

    def __init__(self, text: str) -> None:
        text = _normal(text)
        self.words = tuple(_WORD.findall(plain(text)))
        self.stems = {stem(word) for word in self.words}
        self._joined = f" {' '.join(self.words)} "
        self._squeezed = _squeezed(text)
        self.dates: set[str] = set()
        self.numbers = set(_numbers(_blotted(text), spoken_one=True))
        for date, year in _dates(text):
            self.dates |= _parts(date)
            self.numbers |= {year} if year else set()

    def has_code(self, code: str) -> bool:
        """Whether a code or a dotted word stands here, however it is hyphenated."""
        return code in self._squeezed

    def has_name(self, name: str) -> bool:
        """Whether a name stands here as a whole, or its words close to each other."""
        whole = _WORD.findall(plain(name))
        if not whole or f" {' '.join(whole)} " in self._joined:
            return True
        wanted = [word for word in whole if word != "s"] or whole  # "Kell's lock", "lock of Kell"
        places = [self._places(word) for word in wanted]
        if len(places) == 1:
            return bool(places[0])
        return any(
            all(any(abs(place - start) <= _REACH for place in found) for found in places[1:])
            for start in places[0]
        )

    def has_word(self, word: str) -> bool:
        """Whether a word stands here in any of its forms."""
        return stem(plain(word)) in self.stems

    def _places(self, word: str) -> list[int]:
        forms = {word, f"{word}s", word.removesuffix("s")} if len(word) > 3 else {word}
        return [place for place, own in enumerate(self.words) if own in forms]


def worded(text: str) -> str:
    """The text without its dates and numbers, which are compared by what they mean."""
    return _SPOKEN.sub(",", _NUMBER.sub(",", _blotted(_normal(text))))


def name_parts(name: str) -> list[str]:
    """A run of capitalised words, taken apart where a particle may join two names."""
    return [part for part in _JOINS.split(name) if part]


def plain(text: str) -> str:
    """The text in lower case without diacritics."""
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(sign for sign in spread if not unicodedata.combining(sign)).translate(_LETTERS)


def _normal(text: str) -> str:
    # Thin spaces between digits would become spaces between two numbers.
    return unicodedata.normalize("NFKC", _THIN.sub(",", text))


def _dates(text: str) -> list[tuple[str, str]]:
    """Dates as "1912-05-03", "1912-05" or "--05-03", each with its year or ""."""
    found = []
    for match in _date_matches(text):
        parts = match.groupdict()
        year, day = parts.get("year") or "", parts.get("day")
        month = int(parts.get("number") or 0)
        if named := parts.get("month"):
            month = _MONTHS.index(named[:3].lower()) + 1
        told = f"{year or '-'}-{month:02}" + (f"-{int(day):02}" if day else "")
        found.append((told, year))
    return found


def _date_matches(text: str) -> list[re.Match[str]]:
    """The matches of all forms, without those that lie in one of an earlier form."""
    kept: list[re.Match[str]] = []
    for form in _DATES:
        for match in form.finditer(text):
            if not any(match.start() < old.end() and old.start() < match.end() for old in kept):
                kept.append(match)
    return sorted(kept, key=lambda match: match.start())


def _parts(date: str) -> set[str]:
    """What a date says in less: its month with its year, its day without it."""
    year = "" if date[0] == "-" else date.split("-")[0]
    month, *day = _split(date)[bool(year) :]
    told = {date, f"{year or '-'}-{month}"}
    return told | ({f"--{month}-{day[0]}"} if day else set())


def _split(date: str) -> list[str]:
    return date.lstrip("-").split("-")


def _blotted(text: str) -> str:
    for match in _date_matches(text):
        text = f"{text[: match.start()]}{',' * len(match.group())}{text[match.end() :]}"
    return text


def _numbers(text: str, *, spoken_one: bool) -> list[str]:
    """Numbers without separators, trailing zeros and scale words; "one" is mostly a pronoun."""
    found = []
    for match in _NUMBER.finditer(text):
        value = Decimal(re.sub(r"[^\d.]", "", match["digits"]))
        scale = _SCALES.get((match["scale"] or "").lower(), 0)
        found.append(_said(value, scale) + ("s" if match["decade"] else ""))
    for match in _SPOKEN.finditer(text):
        first, second = match["first"].lower(), (match["second"] or "").lower()
        value = Decimal(_COUNTED[first])
        if second:
            if _COUNTED[first] < 20 or _COUNTED[first] % 10:
                second = ""  # "two five": not one number
            value += _COUNTED.get(second, 0)
        if first != "one" or match["scale"] or spoken_one:
            found.append(_said(value, _SCALES.get((match["scale"] or "").lower(), 0)))
    return found


def _said(value: Decimal, scale: int) -> str:
    told = f"{value.scaleb(scale):f}"
    return (told.rstrip("0").rstrip(".") if "." in told else told).lstrip("0") or "0"


def _codes(text: str) -> list[str]:
    """Identifiers of letters and digits, and dotted words, which may be taken for addresses."""
    found = [match.group() for match in _CODE.finditer(text)]
    found += [match.group() for match in _DOTTED.finditer(text)]
    return [code for code in found if not _COMPOUND.match(code)]


def _squeezed(text: str) -> str:
    return re.sub(r"[\W_]+", "", plain(text))


def _names(text: str) -> tuple[tuple[str, ...], str]:
    """Names without the ordinary words that open a sentence, and a first word that may be one."""
    found = words(text)
    told = []
    for part in [part for name in names(text, found) for part in _BLOT.split(name)]:
        run = part.split()
        while run and run[0].lower().strip(",") in _OPENERS:
            run = run[1:]
        while run and run[-1].isdigit():  # it counts as a number, and may be half of "19th"
            run = run[:-1]
        if run and not (_ORDINAL.fullmatch(" ".join(run)) or _COMPOUND.match(run[0])):
            told.append(" ".join(run))
    first = text[found[0].start : found[0].end] if found else ""
    ordinary = first.lower() in _OPENERS | _COUNTED.keys() or _COMMON.match(first.lower())
    if not first[:1].isupper() or ordinary or any(name.startswith(first) for name in told):
        first = ""
    return tuple(told), first
