"""Requests to Telegram whose answers are Telegram's own, and never end in a log."""

import json
from typing import Any

from telegram.error import NetworkError
from telegram.request import HTTPXRequest

_FILES = "/file/bot"  # in the addresses of files, which need not come from the Bot API itself

Json = dict[str, Any]


class InvalidAnswer(NetworkError):
    """Something answered that is not the Bot API: a proxy's page, a gateway's, half an answer. `status` is HTTP's."""

    def __init__(self, status: int) -> None:
        super().__init__(f"no answer of the Bot API (HTTP {status})")
        self.status = status


class TelegramRequest(HTTPXRequest):
    """Raises `InvalidAnswer` where python-telegram-bot logs the answer, or takes a proxy's refusal for Telegram's."""

    async def do_request(self, url: str, method: str, *args: Any, **options: Any) -> tuple[int, bytes]:
        status, payload = await super().do_request(url, method, *args, **options)
        done = 200 <= status < 300
        if method == "POST" or (not done and _FILES not in url):
            answer = self.parse_json_payload(payload, status)
            if done and "result" not in answer:
                raise InvalidAnswer(status)
        return status, payload

    @staticmethod
    def parse_json_payload(payload: bytes, status: int = 200) -> Json:
        """Return the answer's JSON object. Raises `InvalidAnswer` for anything else."""
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            raise InvalidAnswer(status) from None
        if not isinstance(answer, dict) or not isinstance(answer.get("parameters") or {}, dict):
            raise InvalidAnswer(status)
        return answer
