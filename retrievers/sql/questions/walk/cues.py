"""What the walk makes of cues and of small words."""

from __future__ import annotations

from retrievers.sql.questions.draft import Function, Operator, Unit

AGGREGATES: dict[str, Function] = {"sum": "sum", "avg": "avg", "max": "max", "min": "min"}
OPERATORS: dict[str, Operator] = {"gt": "gt", "ge": "ge", "lt": "lt", "le": "le"}
OPERATORS |= {"eq": "eq", "ne": "ne"}
TIME_UNITS: dict[str, Unit] = {"day": "day", "month": "month", "quarter": "quarter", "year": "year"}
TIME_UNITS |= {"daily": "day", "monthly": "month", "quarterly": "quarter", "yearly": "year"}
TIME_UNITS |= {"annual": "year", "annually": "year"}
DIRECTIVES = frozenset(
    {"return", "show", "list", "give", "display", "report", "output", "provide", "include"}
)
COMMON = frozenset({"common", "popular", "frequent", "frequently", "commonly", "often"})
POSSESSIVE = frozenset({"their", "its", "his", "her", "your", "corresponding", "respective"})
POSSESSION = frozenset({"with", "have", "has", "had", "having", "that", "include", "includes"})
BEING = frozenset({"is", "are", "was", "were"})
ABOUT = frozenset({"about", "regarding", "concerning"})
MORE = {"more": True, "higher": True, "greater": True, "larger": True, "bigger": True}
MORE |= {"fewer": False, "less": False, "lower": False, "smaller": False}
"""Comparatives without "than", and whether they ask for the larger one."""
ROLES = frozenset({"from", "to"})
