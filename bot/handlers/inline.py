"""`@bot` in any chat: one's own pictures and films to send, by what Telegram has of them already."""

from telegram import (
    InlineQueryResultCachedPhoto,
    InlineQueryResultCachedVideo,
    InlineQueryResultsButton,
    Update,
)

from bot.context import Context
from bot.views import caption, title
from storage import Kind, Portrait, Result

_MOST = 50  # Telegram shows no more
_SOURCE = "inline"  # what /start gets when somebody without pictures comes from here


async def own_results(update: Update, context: Context) -> None:
    query = update.inline_query
    if query is None:
        return
    offers: list[InlineQueryResultCachedPhoto | InlineQueryResultCachedVideo] = []
    for portrait in await context.storage.portraits.history(query.from_user.id):
        if query.query.strip().casefold() not in title(context.words, portrait).casefold():
            continue
        for result in await context.storage.portraits.results(portrait.id):
            if result.file_id and result.kind is not Kind.WHOLE:
                offers.append(_offer(context, portrait, result))
    button = None if offers else InlineQueryResultsButton(context.words("inline.empty"), start_parameter=_SOURCE)
    await query.answer(offers[:_MOST], cache_time=0, is_personal=True, button=button)


def _offer(
    context: Context, portrait: Portrait, result: Result
) -> InlineQueryResultCachedPhoto | InlineQueryResultCachedVideo:
    words, called = context.words, title(context.words, portrait)
    under = caption(words, portrait, Kind.STILL, result.age)
    if result.kind is Kind.FILM:
        return InlineQueryResultCachedVideo(
            str(result.id), result.file_id or "", words("inline.film", title=called), caption=under
        )
    return InlineQueryResultCachedPhoto(
        str(result.id), result.file_id or "", title=words("inline.picture", title=called), caption=under
    )
