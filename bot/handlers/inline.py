"""`@bot` in any chat: offers one's own pictures and films, by the files that Telegram has already."""

import asyncio

from telegram import (
    InlineQuery,
    InlineQueryResultCachedPhoto,
    InlineQueryResultCachedVideo,
    InlineQueryResultsButton,
    Update,
)
from telegram.error import BadRequest

from bot.context import Context
from bot.messaging.errors import Meaning, meaning_of
from bot.messaging.views import caption
from bot.portraits.breed_names import breed_name, known_breeds
from bot.portraits.titles import portrait_title
from bot.texts import Words
from storage import Kind, Portrait, Result

_MAX_RESULTS = 50  # Telegram allows no more in one answer
_START_PARAMETER = "inline"  # what /start receives from the button that is shown where nothing was found

_PICTURES = (Kind.STILL, Kind.CARD, Kind.STRIP, Kind.ALL_WHOLE, Kind.ALL_CARD)
_FILMS = (Kind.FILM, Kind.STORY, Kind.WIPE, Kind.AGED_FILM)

Found = list[tuple[Portrait, Result]]


async def own_results(update: Update, context: Context) -> None:
    query = update.inline_query
    if query is None:
        return
    portraits = await context.storage.lookup.with_results(query.from_user.id)
    wanted = query.query.strip().casefold()
    found = []
    for portrait in portraits:
        if any(wanted in called.casefold() for called in _search_names(context.words, portrait)):
            results = await context.storage.results.of(portrait.id)
            found += [(portrait, one) for one in results if one.file_id and one.kind in (*_PICTURES, *_FILMS)]
    nothing = context.words("inline.no_match" if portraits else "inline.empty")
    try:
        await _answer(query, context, found[:_MAX_RESULTS], nothing)
    except BadRequest:
        # A single file that Telegram has no more spoils the whole answer, and Telegram does not say which one it is.
        available = await _available(context, found[:_MAX_RESULTS])
        if len(available) == len(found[:_MAX_RESULTS]):
            raise
        await _answer(query, context, available, nothing)


async def _answer(query: InlineQuery, context: Context, found: Found, nothing: str) -> None:
    button = None if found else InlineQueryResultsButton(nothing, start_parameter=_START_PARAMETER)
    offers = [_offer(context, portrait, result) for portrait, result in found]
    await query.answer(offers, cache_time=0, is_personal=True, button=button)


async def _available(context: Context, found: Found) -> Found:
    """Return those that Telegram still has; forget the file ids of the others."""
    known = await asyncio.gather(*(_has(context, result.file_id or "") for _, result in found))
    for (_, result), here in zip(found, known, strict=True):
        if not here:
            await context.services.results.set_file_id(result.id, None)
    return [one for one, here in zip(found, known, strict=True) if here]


async def _has(context: Context, file_id: str) -> bool:
    try:
        await context.bot.get_file(file_id)
    except BadRequest as error:
        return meaning_of(error) is Meaning.TOO_LARGE
    return True


def _search_names(words: Words, portrait: Portrait) -> list[str]:
    """Return what its owner may search for: the pet's name, and its breed."""
    breeds = known_breeds([portrait.breed or ""])
    return [portrait_title(words, portrait), *(breed_name(breed, words.language) for breed in breeds)]


def _offer(
    context: Context, portrait: Portrait, result: Result
) -> InlineQueryResultCachedPhoto | InlineQueryResultCachedVideo:
    words, called = context.words, portrait_title(context.words, portrait)
    under = caption(words, portrait, Kind.STILL, result.age)
    if result.kind in _FILMS:
        return InlineQueryResultCachedVideo(
            str(result.id), result.file_id or "", words("inline.film", title=called), caption=under
        )
    return InlineQueryResultCachedPhoto(
        str(result.id), result.file_id or "", title=words("inline.picture", title=called), caption=under
    )
