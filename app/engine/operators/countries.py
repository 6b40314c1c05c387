"""Countries by their names and by the adjectives of nationality."""

from __future__ import annotations

import re
from types import MappingProxyType

_TABLE = """
united states: american, north american, puerto rican; usa, u s, united states of america, america
united kingdom: british, english, scottish, welsh; uk, u k, britain, england, wales, scotland
ireland: irish; republic of ireland
canada: canadian, québécois; quebec, ontario, british columbia, alberta, manitoba, nova scotia
australia: australian; new south wales
new zealand: new zealander
india: indian
pakistan: pakistani
bangladesh: bangladeshi
sri lanka: sri lankan, ceylonese
nepal: nepalese, nepali
france: french
germany: german, west german, east german, prussian; west germany, east germany
austria: austrian
switzerland: swiss
italy: italian
spain: spanish
portugal: portuguese
netherlands: dutch; the netherlands, holland
belgium: belgian, flemish
denmark: danish
sweden: swedish
norway: norwegian
finland: finnish
iceland: icelandic
poland: polish
czech republic: czech
slovakia: slovak
hungary: hungarian
romania: romanian
bulgaria: bulgarian
greece: greek
turkey: turkish
serbia: serbian
croatia: croatian
slovenia: slovenian, slovene
ukraine: ukrainian
russia: russian
soviet union: soviet; ussr
estonia: estonian
latvia: latvian
lithuania: lithuanian
israel: israeli
egypt: egyptian
iran: iranian, persian; persia
iraq: iraqi
lebanon: lebanese
syria: syrian
saudi arabia: saudi, saudi arabian
japan: japanese
china: chinese; people s republic of china
hong kong: hongkonger
taiwan: taiwanese
south korea: south korean, korean
north korea: north korean
vietnam: vietnamese
thailand: thai
indonesia: indonesian
malaysia: malaysian
philippines: filipino, filipina, philippine; the philippines
singapore: singaporean
mexico: mexican
brazil: brazilian
argentina: argentine, argentinian
chile: chilean
peru: peruvian
colombia: colombian
venezuela: venezuelan
cuba: cuban
jamaica: jamaican
nigeria: nigerian
ghana: ghanaian
kenya: kenyan
uganda: ugandan
south africa: south african
morocco: moroccan
algeria: algerian
tunisia: tunisian
ethiopia: ethiopian
bolivia: bolivian
ecuador: ecuadorian
uruguay: uruguayan
paraguay: paraguayan
guatemala: guatemalan
costa rica: costa rican
panama: panamanian
haiti: haitian
dominican republic: dominican
afghanistan: afghan
albania: albanian
armenia: armenian
azerbaijan: azerbaijani
bosnia and herzegovina: bosnian; bosnia
cambodia: cambodian
cameroon: cameroonian
congo: congolese; democratic republic of the congo, republic of the congo
cyprus: cypriot
kazakhstan: kazakh
kuwait: kuwaiti
luxembourg: luxembourgish
malta: maltese
mongolia: mongolian
myanmar: burmese; burma
senegal: senegalese
tanzania: tanzanian
zambia: zambian
zimbabwe: zimbabwean
"""
"""A line: the country, its adjectives; its other names."""
_STATES = """
alabama; alaska; arizona; arkansas; california; colorado; connecticut; delaware; florida; hawaii;
idaho; illinois; indiana; iowa; kansas; kentucky; louisiana; maine; maryland; massachusetts;
michigan; minnesota; mississippi; missouri; montana; nebraska; nevada; new england; new hampshire;
new jersey; new mexico; new york; new york city; north carolina; north dakota; ohio; oklahoma;
oregon; pennsylvania; puerto rico; rhode island; south carolina; south dakota; tennessee; texas;
utah; vermont; virginia; washington d c; west virginia; wisconsin; wyoming
"""
_ONCE = re.compile(r"\b[^\W\d_]+\s?-\s?born\b")
_CAPITALS = re.compile(r"\bUS\b")  # "us" is a pronoun
_WORD = re.compile(r"[^\W_]+")


def _read(adjectives: bool) -> dict[str, str]:
    """Country by each of its names, or by its adjectives alone."""
    found: dict[str, str] = {}
    for line in _TABLE.strip().splitlines():
        country, words = line.split(": ")
        said, _, names = words.partition("; ")
        found |= dict.fromkeys(said.split(", "), country)
        if not adjectives:
            found |= dict.fromkeys([country, *filter(None, names.split(", "))], country)
    return found


# A state's name is one of the country's here: "in Ohio" says where a thing is.
COUNTRIES = MappingProxyType(
    _read(adjectives=False) | dict.fromkeys(" ".join(_STATES.split()).split("; "), "united states")
)
"""Country by each of its names, all lower-case words joined by one space."""
ADJECTIVES = frozenset(_read(adjectives=True))
_LONGEST = max(len(name.split()) for name in COUNTRIES)


def countries(text: str) -> frozenset[str]:
    """The countries that a text names or that its adjectives stand for.

    Of "German-born American" only the second is said to hold now. A part of an address counts only
    where no later part names a country ("Lebanon, Ohio" is in the United States).
    """
    return _of(text.rpartition(",")[2]) or _of(text)


def _of(text: str) -> frozenset[str]:
    words = _WORD.findall(_CAPITALS.sub(" usa ", _ONCE.sub(" ", text)).lower())
    found, place = set(), 0
    while place < len(words):
        for length in range(min(_LONGEST, len(words) - place), 0, -1):
            name = " ".join(words[place : place + length])
            if name in COUNTRIES:
                found.add(COUNTRIES[name])
                place += length - 1
                break
        place += 1
    return frozenset(found)


def is_country(name: str) -> bool:
    """Whether the whole name is a country's, a part's of it in the table, or its adjective."""
    words = _WORD.findall(_CAPITALS.sub("usa", name).lower())
    return " ".join(words[words[:1] == ["the"] :]) in COUNTRIES
