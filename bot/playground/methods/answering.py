"""Methods that answer a pressed button or an inline query."""

import re

from bot.playground.errors import Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.methods.content import caption_content, checked_keyboard, words_content
from bot.playground.request_parameters import Parameters

ALERT_MAX = 200  # characters
RESULTS_MAX = 50
_OFFSET_MAX = 64  # bytes
_START_PARAMETER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CACHED = {
    "photo_file_id": "photo",
    "video_file_id": "video",
    "mpeg4_file_id": "animation",
    "gif_file_id": "animation",
    "document_file_id": "document",
}


async def answer_callback_query(telegram: FakeTelegram, p: Parameters) -> bool:
    text = p.text("text")
    if len(text) > ALERT_MAX:
        raise bad_request("MESSAGE_TOO_LONG")
    answer: Json = {"text": text, "show_alert": p.flag("show_alert"), "url": p.text("url")}
    telegram.answer(p.text("callback_query_id"), answer)
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
    if len(p.text("next_offset").encode()) > _OFFSET_MAX:
        raise bad_request("NEXT_OFFSET_INVALID")
    answer: Json = {"results": results, "button": button, "next_offset": p.text("next_offset")}
    telegram.answer(p.text("inline_query_id"), answer)
    return True


def _check(telegram: FakeTelegram, result: Json) -> None:
    if not 1 <= len(str(result.get("id", "")).encode()) <= 64:
        raise bad_request("RESULT_ID_INVALID")
    checked_keyboard(result.get("reply_markup"))
    instead = result.get("input_message_content")
    if instead:
        words_content(instead.get("message_text", ""), instead.get("parse_mode", ""), instead.get("entities"))
    if result.get("type") == "article":
        if not result.get("title") or not instead:
            raise bad_request("can't parse inline query result: title and input_message_content are required")
        return
    caption_content(result.get("caption", ""), result.get("parse_mode", ""), result.get("caption_entities"))
    cached = [(name, kind) for name, kind in _CACHED.items() if name in result]
    if not cached:
        raise bad_request("the playground shows cached files and articles only")
    name, kind = cached[0]
    telegram.files.of_kind(result[name], kind)
    if kind in {"video", "document"} and not result.get("title"):
        raise bad_request("can't parse inline query result: title is empty")
