"""What the engine recognised in a photo, in the form that the portrait's row keeps."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Self

import msgspec

from engine import BreedGuess, Recognition

_MAX_HEADS = 8  # as many as a keyboard can tell apart
_MIN_HEAD_SCORE = 0.5  # a head below this score is not worth a question
_MAX_BREEDS = 6  # guesses kept; more than a keyboard offers are of no use


@dataclass(frozen=True, slots=True)
class Look:
    """How well one head shows: whether it can be used, how good it is (0..1), and what makes it worse, worst first."""

    usable: bool = True
    quality: float = 1.0
    issues: tuple[str, ...] = ()

    @property
    def quality_class(self) -> str:
        """The word for figures of many photos."""
        if not self.usable or len(self.issues) > 1:
            return "poor"
        return "fair" if self.issues else "good"


@dataclass(frozen=True, slots=True)
class Findings:
    pet: bool
    species: str  # "" when unknown
    breeds: tuple[str, ...]  # slugs, most likely first
    heads: tuple[float, ...]  # centre of each head from the left, in px, in the engine's order
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (species, breeds) of each head, if there are several
    looks: tuple[Look, ...] = ()  # of each head

    @classmethod
    def of(cls, recognition: Recognition) -> Self:
        heads = [head for head in recognition.heads if head.score >= _MIN_HEAD_SCORE][:_MAX_HEADS]
        return cls(
            pet=recognition.pet,
            species=recognition.species or "",
            breeds=_slugs(recognition.breeds),
            heads=tuple((head.box[0] + head.box[2]) / 2 for head in heads),
            guesses=tuple((guess.species, _slugs(guess.breeds)) for guess in recognition.guesses[: len(heads)]),
            looks=tuple(Look(one.usable, one.quality, one.issues) for one in recognition.qualities[: len(heads)]),
        )

    @property
    def from_left(self) -> list[int]:
        """The heads' indices from left to right."""
        return sorted(range(len(self.heads)), key=lambda index: self.heads[index])

    def number_of(self, head: int) -> int:
        """Return the number under which the head is offered, from 1."""
        return self.from_left.index(head) + 1 if head < len(self.heads) else 1

    @property
    def usable_from_left(self) -> list[int]:
        """The indices of the heads that can be made young, from left to right."""
        return [head for head in self.from_left if self.look_of(head).usable]

    @property
    def best_score(self) -> float:
        """By how much this photo is better than others: any face is better than none, any pet than no pet."""
        if not self.pet:
            return -2.0
        looks = [self.look_of(head) for head in range(max(1, len(self.heads)))]
        return max(look.quality - (0.0 if look.usable else 1.0) for look in looks)

    def look_of(self, head: int) -> Look:
        """Return how well the head shows; a good look where nobody measured it."""
        return self.looks[head] if head < len(self.looks) else Look()

    def of_head(self, head: int) -> Self:
        """Return the same with the species and breeds of the chosen pet."""
        if head >= len(self.guesses):
            return self
        species, breeds = self.guesses[head]
        return replace(self, species=species, breeds=breeds)

    def to_json(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Read the row's JSON; None, of a photo not recognised yet, has nothing in it.

        Rows of earlier versions have no guesses and no looks.
        """
        return msgspec.json.decode(text, type=cls) if text else cls(False, "", (), ())


def _slugs(guesses: Iterable[BreedGuess]) -> tuple[str, ...]:
    return tuple(guess.breed for guess in islice(guesses, _MAX_BREEDS))
