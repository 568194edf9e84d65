"""Methods that answer a pressed button or an inline query."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods.content import caption_content
from bot.playground.request_parameters import Parameters

ALERT_MAX = 200  # characters; the Bot API's limit
RESULTS_MAX = 50  # the Bot API's limit for one answer
RESULT_ID_BYTES = range(1, 65)  # the Bot API's limits
CACHED_FILES = {"photo_file_id": "photo", "video_file_id": "video"}  # a result's field: the kind of file it names
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")


async def answer_callback_query(telegram: FakeTelegram, p: Parameters) -> bool:
    text = p.text("text")
    if len(text) > ALERT_MAX:
        raise bad_request("MESSAGE_TOO_LONG")
    telegram.answer(p.text("callback_query_id"), {"text": text, "show_alert": p.flag("show_alert")})
    return True


async def answer_inline_query(telegram: FakeTelegram, p: Parameters) -> bool:
    results = p.sequence("results") or []
    if len(results) > RESULTS_MAX:
        raise bad_request("RESULTS_TOO_MUCH")
    ids = [str(result.get("id", "")) for result in results]
    if len(set(ids)) < len(ids):
        raise bad_request("RESULT_ID_DUPLICATE")
    for result in results:
        _check(telegram, result)
    button = p.mapping("button")
    if button and not (button.get("text") and _START_PARAMETER.fullmatch(button.get("start_parameter", ""))):
        raise bad_request("START_PARAM_INVALID")
    telegram.answer(p.text("inline_query_id"), {"results": results, "button": button})
    return True


def _check(telegram: FakeTelegram, result: Json) -> None:
    """Refuse a result that Telegram would refuse, or that the playground cannot show."""
    if len(str(result.get("id", "")).encode()) not in RESULT_ID_BYTES:
        raise bad_request("RESULT_ID_INVALID")
    caption_content(result.get("caption", ""))
    field = next((field for field in CACHED_FILES if field in result), None)
    if field is None:
        raise bad_request("the playground shows photos and films that it has already, and nothing else")
    telegram.files.of_kind(result[field], CACHED_FILES[field])
    if field == "video_file_id" and not result.get("title"):
        raise bad_request("can't parse inline query result: title is empty")
