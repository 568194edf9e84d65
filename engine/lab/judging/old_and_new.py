"""Sheets that show the work of an old engine and a new one as A and B: which is which, and what is said of both."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from engine.lab.judging.intervals import share_of

_Shown = TypeVar("_Shown")

ENGINES = ("new", "old")
NEITHER = "neither"

Letter = Literal["A", "B"]
Choice = Literal["A", "B", "neither"]
_LETTERS: tuple[Letter, Letter] = ("A", "B")
_Degree = Annotated[float, msgspec.Meta(ge=0, le=3)]


class Degrees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A degree, 0 to 3, for each of both."""

    A: _Degree
    B: _Degree


@dataclass(frozen=True, slots=True)
class Letters:
    """Which engine is behind which letter of a sheet."""

    new: Letter

    @property
    def old(self) -> Letter:
        return "B" if self.new == "A" else "A"

    def engine(self, letter: Choice) -> str:
        if letter == NEITHER:
            return NEITHER
        return "new" if letter == self.new else "old"

    def lettered(self, shown: Mapping[str, _Shown]) -> list[tuple[str, _Shown]]:
        """What is shown of each engine, as A and B."""
        return [(letter, shown[self.engine(letter)]) for letter in _LETTERS]

    def preferred(self, choices: Iterable[Choice]) -> str:
        """The engine that most judges chose, "neither" where they are divided."""
        (most, times), *others = Counter(self.engine(choice) for choice in choices).most_common()
        return NEITHER if others and others[0][1] == times else most

    def named(self, said: Iterable[Iterable[Letter]]) -> dict[str, int]:
        """How many judges named each engine."""
        counts = Counter(self.engine(letter) for letters in said for letter in set(letters))
        return {engine: counts[engine] for engine in ENGINES}

    def means(self, degrees: Sequence[Degrees]) -> dict[str, float]:
        """The mean degree of each engine."""
        return {engine: mean([getattr(one, getattr(self, engine)) for one in degrees]) for engine in ENGINES}


def mixed_letters(count: int, random: Random) -> list[Letters]:
    """The letters of so many sheets, in random order: on half of them the new one is A."""
    letters = [Letters(_LETTERS[i % 2]) for i in range(count)]
    random.shuffle(letters)
    return letters


def shares_preferred(preferred: Sequence[str]) -> dict[str, Any]:
    """In what share of sheets each engine is preferred, and neither, for JSON."""
    return {one: share_of([engine == one for engine in preferred]) for one in (*ENGINES, NEITHER)}


def shares_named(named: Sequence[frozenset[str]]) -> dict[str, Any]:
    """In what share of sheets each engine is named, for JSON."""
    return {one: share_of([one in engines for engines in named]) for one in ENGINES}


def mean_degrees(degrees: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean degree of each engine over sheets."""
    return {one: mean([of[one] for of in degrees]) for one in ENGINES}


def mean(values: Sequence[float]) -> float:
    """Rounded for JSON; 0 of nothing."""
    return round(sum(values) / len(values), 3) if values else 0.0
