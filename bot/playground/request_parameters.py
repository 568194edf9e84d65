"""The parameters of one HTTP request: a form, a multipart form or JSON, and the query; values are text or JSON."""

import json
from dataclasses import dataclass, field
from typing import Any

from tornado.httputil import HTTPServerRequest

from bot.playground.errors import Json, bad_request

_ATTACHED = "attach://"  # before the name of an upload in the same request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a request."""

    name: str
    mime_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Parameters:
    """The values and the uploads of a request, by name."""

    values: dict[str, str]
    files: dict[str, Upload] = field(default_factory=dict)

    @classmethod
    def of(cls, request: HTTPServerRequest) -> "Parameters":
        """Read a request as Telegram does; raises 400 for a JSON body that is not an object."""
        values = {name: last[-1].decode() for name, last in request.arguments.items() if last}
        if request.headers.get("Content-Type", "").startswith("application/json") and request.body:
            try:
                content = json.loads(request.body)
            except ValueError:
                raise bad_request("can't parse JSON object") from None
            if not isinstance(content, dict):
                raise bad_request("object expected as parameters")
            for name, value in content.items():
                values[name] = value if isinstance(value, str) else json.dumps(value)
        files = {
            name: Upload(items[-1].filename, items[-1].content_type, items[-1].body)
            for name, items in request.files.items()
            if items
        }
        return cls(values, files)

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def plain_text(self, name: str) -> str:
        """Return a text without markup, as the bot writes all of its texts; raises 400 for a `parse_mode`."""
        if "parse_mode" in self.values:
            raise bad_request("unsupported parse_mode")
        return self.text(name)

    def integer(self, name: str, default: int | None = None) -> int | None:
        value = self.values.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except ValueError:
            raise bad_request(f"invalid {name} specified") from None

    def required_integer(self, name: str) -> int:
        value = self.integer(name)
        if value is None:
            raise bad_request(f"{name} is empty" if name == "chat_id" else f"{name} not specified")
        return value

    def flag(self, name: str) -> bool:
        return self.values.get(name, "").lower() in {"true", "1", "yes"}

    def json(self, name: str) -> Any:
        """Return a parameter that is JSON text; None where absent."""
        value = self.values.get(name)
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None

    def mapping(self, name: str) -> Json | None:
        value = self.json(name)
        if value is not None and not isinstance(value, dict):
            raise bad_request(f"object expected as {name}")
        return value

    def sequence(self, name: str) -> list[Any] | None:
        value = self.json(name)
        if value is not None and not isinstance(value, list):
            raise bad_request(f"array expected as {name}")
        return value

    def media(self, name: str) -> "Upload | str | None":
        """Return the file to send: an upload under its own field or as `attach://…`, or an earlier one's file_id."""
        if name in self.files:
            return self.files[name]
        value = self.values.get(name)
        return self.resolve(value) if value else None

    def resolve(self, reference: str) -> "Upload | str":
        """Return the upload that `attach://NAME` names, and anything else, a file_id or an address, as it is."""
        if not reference.startswith(_ATTACHED):
            return reference
        upload = self.files.get(reference.removeprefix(_ATTACHED))
        if upload is None:
            raise bad_request("wrong file attachment: attached file not found")
        return upload
