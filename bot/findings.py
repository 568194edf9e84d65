"""What was recognised in a photo, as the portrait's row keeps it."""

import json
from dataclasses import dataclass
from typing import Self

from engine import Recognition

_HEADS = 8  # as many as a keyboard can tell apart
_SURE = 0.5  # a head below this score is not worth a question
_BREEDS = 6


@dataclass(frozen=True, slots=True)
class Findings:
    pet: bool
    species: str  # "" when unknown
    breeds: tuple[str, ...]  # slugs, most likely first
    heads: tuple[float, ...]  # where each head's middle is, from the left, in px; the engine's order

    @classmethod
    def of(cls, recognition: Recognition) -> Self:
        heads = [head for head in recognition.heads if head.score >= _SURE][:_HEADS]
        return cls(
            pet=recognition.pet,
            species=recognition.species or "",
            breeds=tuple(guess.breed for guess in recognition.breeds[:_BREEDS]),
            heads=tuple((head.box[0] + head.box[2]) / 2 for head in heads),
        )

    @property
    def from_left(self) -> list[int]:
        """The heads' indices in the order in which people see them."""
        return sorted(range(len(self.heads)), key=lambda index: self.heads[index])

    def to_json(self) -> str:
        return json.dumps(
            {"pet": self.pet, "species": self.species, "breeds": self.breeds, "heads": self.heads}, ensure_ascii=False
        )

    @classmethod
    def from_json(cls, text: str | None) -> Self:
        """Nothing found for None: the photo was not looked at yet."""
        if not text:
            return cls(False, "", (), ())
        found = json.loads(text)
        return cls(found["pet"], found["species"], tuple(found["breeds"]), tuple(found["heads"]))
