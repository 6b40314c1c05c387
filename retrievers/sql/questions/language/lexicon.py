"""Closed word lists of English questions about tables. General language only: no schema's words."""

from __future__ import annotations

from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _phrases(table: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    """`{"meaning": "phrase, phrase"}` turned round, phrases as word tuples."""
    return {
        tuple(phrase.split()): meaning
        for meaning, phrases in table.items()
        for phrase in phrases.split(",")
        if phrase.strip()
    }


GENERIC_PARTS = _words("name code id description desc date time timestamp is has flag type text at")
"""Parts of names that may be left out when the name is used: `city` for `city_name`."""

MEASURED_IN = _words("m ft kg cm mm km lb lbs mi miles usd eur ms sec hours minutes")
"""Units at the end of a column's name: `weight_kg` is a weight."""

STOP = _words(
    """
    a an the this that these those of in on at to for from with by as into within among through
    between is are was were be been being am do does did has have had having can could will would
    should shall may might must i me my we us our you your he she it its they them their his her
    who whom whose which what where when why how there here and or but if then than so such also
    please all any some only just ever respective respectively
    corresponding along together well given
    overall total's whether per se etc
    """
)

LIGHT = _words(
    """
    database databases record records row rows entry entries table tables data information info
    detail details list lists show shows display give gives get gets find finds return returns
    retrieve retrieves tell provide provides include includes including report output result
    results answer question following available existing exist exists present total overall
    value values instance instances item's case cases kind kinds various particular specific
    certain actual want need know like see let calculate compute determine identify name's
    associated related belonging belong belongs belonged connected linked attached contained
    contain contains involve involved involves involving located situated based live lives living
    reside resides come comes coming came made make makes making done take takes taken took taking
    receive receives received receiving earn earns earned earning gain gained get got obtained
    publish publishes published publishing write writes wrote written writing authored author's
    present presents presented presenting offer offers offered offering provide provided serve
    serves served serving sell sells sold selling buy buys bought buying purchase purchases
    purchased place places placed placing order's flow flows flowing run runs running use uses used
    using own owns owned owning hold holds held holding work works worked working teach teaches
    taught teaching study studies studied attend attends attended attending enroll enrolled enrols
    register registered occur occurs occurred happen happened happening appear appears appeared
    appearing operate operates operated operating fly flies flew flown visit visited visiting
    treat treated treating prescribe prescribed prescribing diagnose diagnosed report reported
    reporting post posted posting submit submitted create created creating release released
    releasing record recorded recording perform performed performing play plays played playing
    compose composed produce produced producing manufacture manufactured supply supplied supplies
    supplying ship shipped shipping deliver delivered manage managed manages managing employ
    employed employs handle handled process processed generate generated spend spent spending pay
    paid pays paying charge charged collect collected assign assigned fall falls fell land lands
    depart departs departing arrive arrives arriving leave leaves leaving travel go goes going went
    bring brought carry carried support supports supported represent represents add added adding
    hosted host hosts completed complete give given accumulated achieved achieve logged log part
    cover covers covered covering left mentioned mention mentions tagged rated reviewed used
    available consist consists consisting comprise comprises linked link links shared
    joined join joins joining hired hire started start starts ended end ends began begin begins
    signed sign signup born founded established opened enter entered bought named conducted
    attached delivered launched inclusive listed
    traded issued issue issues scheduled schedule assessed hold
    collaborated collaborate cite cites cited citing affiliated employed ordered order orders
    invoiced
    """
)
"""Nouns and verbs that carry no condition of their own in a question about tables."""

WH = _words("what which who whom whose where when how")
PRONOUNS = _words("he she it they them their his her its he/she him")

CUES = _phrases(
    {
        "count": "how many, number of, the number of, total number of, count of, total count of, "
        "no of, num of, count, how many different types of, total no of, overall number of",
        "ignore": "in total, overall, altogether, of the week, in the database, in the dataset",
        "distinct": "distinct, unique, different",
        "sum": "total, sum of, total amount of, total sum of, combined, the sum of, summed",
        "avg": "average, avg, mean, average of, on average, the average",
        "max": "maximum, max",
        "min": "minimum, min",
        "group": "each, per, every, for each, for every, in each, by each, of each, across, "
        "grouped by, group by, broken down by, across all, across different, across the different, "
        "for each of the, for all the different, each of the, by the different, for each unique, "
        "each different, each distinct, for each distinct, for each different, across each, "
        "split by, segmented by, categorized by, each unique",
        "by": "by, in terms of, based on, according to, with respect to, measured by, ranked by",
        "order": "ordered by, order by, sorted by, sort by, order the results by, sort the results "
        "by, order results by, arranged by, sorted according to, ordered according to, order them "
        "by, sort them by, sort the result by, order it by, ranked in order of, in order of, "
        "ordered on, sorted on, ordered, sorted, sort, arranged, order the result by, sort results "
        "by, sorting by, ordering by",
        "desc": "in descending order, descending, desc, from highest to lowest, highest to lowest, "
        "from high to low, highest first, from most to least, largest first, from largest to "
        "smallest, from longest to shortest, from best to worst, starting from the highest, "
        "starting with the highest, most first, from the highest to the lowest, from newest to "
        "oldest, newest first, latest first, most recent first, in decreasing order, from greatest "
        "to least, starting from the top, reverse alphabetical order, starting from the best, "
        "from latest to earliest, from most recent to oldest, in desc order",
        "asc": "in ascending order, ascending, asc, from lowest to highest, lowest to highest, "
        "from low to high, lowest first, from least to most, smallest first, from smallest to "
        "largest, from shortest to longest, from oldest to newest, oldest first, earliest first, "
        "alphabetically, in alphabetical order, in increasing order, in chronological order, "
        "chronologically, from earliest to latest, starting from the lowest, alphabetical order, "
        "from the lowest to the highest, from worst to best, in asc order",
        "gt": "more than, greater than, higher than, larger than, bigger than, above, over, "
        "exceeding, exceeds, longer than, older than, heavier than, in excess of, exceed, "
        "strictly more than, strictly greater than, taller than, later than, >",
        "ge": "at least, no less than, no fewer than, greater than or equal to, more than or equal "
        "to, minimum of, a minimum of, not less than, >=, not below, starting at, "
        "higher than or equal to",
        "lt": "less than, fewer than, lower than, smaller than, below, under, shorter than, "
        "younger than, lighter than, cheaper than, earlier than, <",
        "le": "at most, no more than, up to, less than or equal to, fewer than or equal to, "
        "maximum of, a maximum of, not more than, <=, not above, not exceeding, "
        "lower than or equal to",
        "eq": "equal to, equals, equal, exactly, =",
        "ne": "not equal to, !=, <>, other than",
        "between": "between, ranging from, in the range of, in the range",
        "after": "after, since, later than, from after, starting from",
        "before": "before, prior to, until, earlier than, up until",
        "most": "most, highest, largest, biggest, greatest, top, best, maximal, longest, oldest, "
        "newest, latest, heaviest, fastest, tallest, most recent, deepest, strongest, widest, "
        "best rated, highest rated, most recently",
        "least": "least, lowest, smallest, fewest, bottom, worst, minimal, shortest, youngest, "
        "earliest, cheapest, lightest, slowest, worst rated, lowest rated, least recent",
        "not": "not, no, without, never, excluding, except, except for, lacking, lack, lacks, "
        "apart from, none, exclude, do not have any, does not have any, have not, do not, "
        "does not, did not, has not, had not, was not, were not, not any, no longer",
        "named": "named, called, titled, entitled, with the name, with name, with the title, "
        "with title, by the name of, whose name is, whose title is, with the name of, "
        "in the name, known as, under the name, with the same name as",
        "contains": "contain, contains, containing, include the word, includes the word, like, "
        "that contains, that contain, includes the string",
        "starts": "starts with, start with, starting with, begins with, begin with, beginning with",
        "ends": "ends with, end with, ending with, ends in, ending in, end in",
        "in its name": "in its name, in their name, in the name, in its title, in their title, "
        "in the title, in their names, in their titles",
    }
)

REFUSE = _words(
    """
    ratio proportion percentage percent rate share fraction median mode standard deviation variance
    correlation rank ranking quartile percentile cumulative running moving growth change increase
    decrease trend difference differ differs vary varies compare comparison versus vs respectively
    consecutive weekend weekends weekday weekdays duration gap same similar
    equivalent convert absolute rounded round truncate string letter letters ratio's why
    """
)
"""Words that ask for more than the templates can say. Where the schema knows one as a name, it is
that name."""

UNITS = _words(
    """
    mph kmh kph km kilometers kilometres meters metres miles feet inches cm kg kilograms grams lbs
    pounds dollars dollar usd euros euro cents minutes minute hours seconds years old percent stars
    people points units times degrees mm
    """
)
"""Said after a number; they name no column by themselves."""

GENERIC_NOUNS = _words("type types name names kind kinds value values category categories number")
"""Said after a name without adding to it: `transmission type` for a column `transmission`."""
