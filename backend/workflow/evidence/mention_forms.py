"""What makes two strings the same mention, and what makes them alike.

The same: equal normal forms (see normal_form.py), so that width, NFD and spaces do not matter.
Upper and lower case does, whatever the project says of copies: "US" and "us" are different strings.
Alike: many character bigrams in common, those across the string's ends included, case folded.
"""

from backend.db.tables_of_evidence import LONGEST_FORM
from backend.workflow.duplicates.normal_form import normal_form

EDGE = "\x01"  # stands before and after a form; no form holds it


def form_of(surface: str) -> str:
    """The normal form of a string, at most `LONGEST_FORM` characters of it; may be empty."""
    return normal_form(surface)[:LONGEST_FORM]


def grams_of(form: str) -> set[str]:
    """The bigrams of a form: one more than it has characters, less those that come twice."""
    folded = f"{EDGE}{form.casefold()}{EDGE}"
    return {folded[at : at + 2] for at in range(len(folded) - 1)}


def likeness(form: str, other: str) -> float:
    """Dice's coefficient of two forms' bigrams: in [0, 1], 1 where all are shared."""
    ours, theirs = grams_of(form), grams_of(other)
    return 2 * len(ours & theirs) / (len(ours) + len(theirs))
