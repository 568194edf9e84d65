"""What the engine recognised in a photo, in the form that the portrait's row keeps."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Self

from engine import BreedGuess, Recognition

_MAX_HEADS = 8  # as many as a keyboard can tell apart
_MIN_HEAD_SCORE = 0.5  # a head below this score is not worth a question
_MAX_BREEDS = 6  # guesses kept; more than a keyboard offers are of no use


@dataclass(frozen=True, slots=True)
class Findings:
    pet: bool
    species: str  # "" when unknown
    breeds: tuple[str, ...]  # slugs, most likely first
    heads: tuple[float, ...]  # centre of each head from the left, in px, in the engine's order
    guesses: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (species, breeds) of each head, if there are several

    @classmethod
    def of(cls, recognition: Recognition) -> Self:
        heads = [head for head in recognition.heads if head.score >= _MIN_HEAD_SCORE][:_MAX_HEADS]
        return cls(
            pet=recognition.pet,
            species=recognition.species or "",
            breeds=_slugs(recognition.breeds),
            heads=tuple((head.box[0] + head.box[2]) / 2 for head in heads),
            guesses=tuple((guess.species, _slugs(guess.breeds)) for guess in recognition.guesses[: len(heads)]),
        )

    @property
    def from_left(self) -> list[int]:
        """The heads' indices from left to right."""
        return sorted(range(len(self.heads)), key=lambda index: self.heads[index])

    def of_head(self, head: int) -> Self:
        """Return the same with the species and breeds of the chosen pet."""
        if head >= len(self.guesses):
            return self
        species, breeds = self.guesses[head]
        return replace(self, species=species, breeds=breeds)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Read the row's JSON; None, of a photo not recognised yet, has nothing in it."""
        if not text:
            return cls(False, "", (), ())
        found = json.loads(text)
        guesses = found.get("guesses", ())  # rows of earlier versions have none
        return cls(
            found["pet"],
            found["species"],
            tuple(found["breeds"]),
            tuple(found["heads"]),
            tuple((species, tuple(breeds)) for species, breeds in guesses),
        )


def _slugs(guesses: Iterable[BreedGuess]) -> tuple[str, ...]:
    return tuple(guess.breed for guess in islice(guesses, _MAX_BREEDS))
