from bot.portraits.findings import Findings
from engine import BreedGuess, Head, HeadGuess, Recognition, Species

DOG = HeadGuess(Species.DOG, (BreedGuess("samoyed", 0.9), BreedGuess("pomeranian", 0.1)))
CAT = HeadGuess(Species.CAT, (BreedGuess("bengal", 1.0),))


def head(left: float) -> Head:
    return Head((left, 0, left + 10, 10), None, None, None, 0.9)


def test_a_row_keeps_what_each_head_is_taken_for() -> None:
    heads = (head(50), head(0))
    found = Findings.of(Recognition("a", True, DOG.species, DOG.breeds, heads, 100, 100, (DOG, CAT)))
    kept = Findings.from_json(found.to_json())
    assert kept == found
    assert (kept.of_head(0).species, kept.of_head(0).breeds) == ("dog", ("samoyed", "pomeranian"))
    assert (kept.of_head(1).species, kept.of_head(1).breeds) == ("cat", ("bengal",))


def test_a_row_of_an_earlier_version_speaks_of_all_heads_together() -> None:
    kept = Findings.from_json('{"pet": true, "species": "dog", "breeds": ["samoyed"], "heads": [5.0, 55.0]}')
    assert kept.of_head(1) == kept == Findings(True, "dog", ("samoyed",), (5.0, 55.0))
