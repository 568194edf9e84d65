"""What a portrait is called."""

from bot.portraits.breed_names import breed_name, known_breeds
from bot.texts import Words
from storage import Portrait


def portrait_title(words: Words, portrait: Portrait) -> str:
    """Return the pet's name, else the name of its breed, else the bot's own."""
    if portrait.name:
        return portrait.name
    known = known_breeds([portrait.breed or ""])
    return breed_name(known[0], words.language) if known else "Throwback"
