"""The ages at which a pet can be shown, as owners name them, in multiples of the age vector: 0 is the photo."""

from engine import NamedAge
from storage import Portrait

OLDEST_AGE = -1.0
YOUNGEST_AGE = 1.0
YOUNGEST_EVER = 1.6  # buttons of earlier versions went so far

AGE_WORDS = {named: "today" if named is NamedAge.TODAY else named.value for named in NamedAge}
"""The words for the engine's ages."""

# From the youngest, by the word that names each in `bot.texts`. The measured proportions of growing heads give the
# ages; of a puppy or kitten the same way is gone from the other end.
_OF_GROWN_PETS = tuple((AGE_WORDS[named], named.age) for named in NamedAge)
_OF_YOUNG_PETS = (("today", 0.0), ("4m", -0.25), ("1y", -0.5), ("grown", -1.0))

AGES = (_OF_GROWN_PETS, _OF_YOUNG_PETS)


def ages_of(portrait: Portrait) -> tuple[tuple[str, float], ...]:
    """Return the ages that the photo's own allows, each with its word, the youngest first."""
    return _OF_YOUNG_PETS if portrait.age < 0 else _OF_GROWN_PETS


def age_word(portrait: Portrait, age: float) -> str:
    """Return the word of the age that is nearest to this one; earlier versions offered any number."""
    return min(ages_of(portrait), key=lambda named: abs(named[1] - age))[0]


def nearest_age(portrait: Portrait, age: float) -> float:
    """Return the age with a word that is nearest to this one."""
    return min((named for _, named in ages_of(portrait)), key=lambda named: abs(named - age))
