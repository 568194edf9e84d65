"""What the page or a test can do in the playground, by verb and path: users' actions, faults, limits."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

import segno

from bot.playground.errors import ApiError, Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.faults import Fault, FaultKind
from bot.playground.methods.profile import menu_for
from bot.playground.methods.stickers import sticker_set
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.users import Users
from bot.playground.world import ChatKind


@dataclass(frozen=True, slots=True)
class ControlRequest:
    """One request: its parameters, its files, and the numbers in its path: a chat's, then a message's."""

    parameters: Parameters
    uploads: list[Upload]
    numbers: tuple[int, ...]

    @property
    def user(self) -> int:
        return self.parameters.required_integer("person")

    @property
    def chat(self) -> int:
        return self.numbers[0]

    @property
    def message(self) -> int:
        return self.numbers[1]

    def text(self, name: str, default: str = "") -> str:
        return self.parameters.text(name, default)


class ControlActions:
    """Runs actions. Each returns what is sent back as JSON; raises `ApiError`, or `ValueError` for nonsense."""

    def __init__(self, telegram: FakeTelegram) -> None:
        self.telegram = telegram
        self.users = Users(telegram)

    async def act(self, verb: str, path: str, parameters: Parameters, uploads: list[Upload]) -> Any:
        """Run the action for a verb and a path such as `/chats/1001/messages`; raises 404 where there is none."""
        for known, pattern, action in _ACTIONS:
            if verb == known and (matched := re.fullmatch(pattern, path)):
                return await action(self, ControlRequest(parameters, uploads, tuple(map(int, matched.groups()))))
        raise ApiError(404, "Not Found")

    # Looking

    async def state(self, _: ControlRequest) -> Json:
        world = self.telegram.world
        return {
            "bot": self.telegram.bot | {"listening": self.telegram.updates.listening},
            "people": [asdict(user) for user in world.users.values()],
            "chats": [
                asdict(chat) | {"last_message": world.last(chat)}
                for chat in world.chats.values()
                if chat.migrated_to is None
            ],
        }

    async def history(self, request: ControlRequest) -> list[Json]:
        world = self.telegram.world
        return [world.show(message) for message in world.history(world.chat(request.chat))]

    async def menu(self, request: ControlRequest) -> list[Json]:
        return menu_for(self.telegram, request.chat, request.user)

    async def devices(self, _: ControlRequest) -> Json:
        """Return where other devices find the page, the code for the next one, and those that have joined."""
        devices = self.telegram.devices
        if not devices.url:
            return {"url": "", "joined": []}
        joined = [{"id": one.id, "name": one.name, "joined_at": one.joined_at} for one in devices.joined]
        qr_code = segno.make(f"{devices.url}/#{devices.code}", error="m").svg_data_uri(scale=6, border=2)
        return {"url": devices.url, "code": devices.code, "qr_code": qr_code, "joined": joined}

    async def remove_device(self, request: ControlRequest) -> None:
        self.telegram.devices.remove(request.numbers[0])

    async def stickers(self, request: ControlRequest) -> Json:
        return sticker_set(self.telegram, request.text("name"))

    # Acting

    async def send(self, request: ControlRequest) -> list[Json]:
        """Send a text, a sticker by its file_id, or files with a caption."""
        user, chat, parameters = request.user, request.chat, request.parameters
        reply_to, topic = parameters.integer("reply_to"), parameters.integer("topic")
        if sticker := request.text("sticker"):
            return [await self.users.send_sticker(user, chat, sticker, reply_to=reply_to, topic=topic)]
        if not request.uploads:
            return [await self.users.write(user, chat, request.text("text"), reply_to=reply_to, topic=topic)]
        caption, as_files = request.text("caption"), parameters.flag("as_files")
        return await self.users.send(
            user, chat, request.uploads, caption=caption, as_files=as_files, reply_to=reply_to, topic=topic
        )

    async def choose_inline(self, request: ControlRequest) -> Json:
        query_id, result_id = request.text("query_id"), request.text("result_id")
        return await self.users.choose_inline(request.user, request.chat, query_id, result_id)

    async def forward(self, request: ControlRequest) -> Json:
        target = request.parameters.required_integer("to_chat")
        return await self.users.forward(request.user, request.chat, request.message, target)

    # Users and chats

    async def add_user(self, request: ControlRequest) -> Json:
        name = request.text("first_name") or "Somebody"
        return asdict(self.telegram.world.add_user(name, request.text("language_code", "en")))

    async def change_user(self, request: ControlRequest) -> Json:
        user = self.telegram.world.user(request.numbers[0])
        user.language_code = request.text("language_code", user.language_code)
        user.first_name = request.text("first_name", user.first_name)
        self.telegram.world.save_user(user)
        return asdict(user)

    async def add_group(self, request: ControlRequest) -> Json:
        kind = ChatKind(request.text("kind", ChatKind.GROUP.value))
        members = [int(member) for member in request.parameters.sequence("members") or []]
        if not members:
            raise bad_request("a group needs members")
        forum = request.parameters.flag("forum")
        chat = self.telegram.world.add_group(request.text("title", "Group"), members, kind, forum)
        if request.parameters.flag("with_bot"):
            await self.users.add_bot(members[0], chat.id)
        return asdict(chat)

    async def change_bot(self, request: ControlRequest) -> None:
        match request.text("action"):
            case "block":
                await self.users.block(request.chat)
            case "unblock":
                await self.users.unblock(request.chat)
            case "add":
                await self.users.add_bot(request.user, request.chat)
            case "remove":
                await self.users.remove_bot(request.user, request.chat)
            case "promote":
                await self.users.promote_bot(request.user, request.chat)
            case unknown:
                raise bad_request(f"unknown action {unknown!r}")

    async def open_topic(self, request: ControlRequest) -> Json:
        return {"topic": await self.users.open_topic(request.user, request.chat, request.text("name", "Topic"))}

    async def migrate(self, request: ControlRequest) -> Json:
        return asdict(await self.users.migrate(request.user, request.chat))

    # For tests

    async def add_fault(self, request: ControlRequest) -> None:
        self.telegram.faults.add(
            Fault(
                request.text("method"),
                FaultKind(request.text("kind")),
                request.parameters.integer("times", 1) or 1,
                request.parameters.integer("retry_after", 1) or 1,
                request.text("description"),
            )
        )

    async def limits(self, _: ControlRequest) -> Json:
        return self.telegram.rates.report()


Action = Callable[[ControlActions, ControlRequest], Awaitable[Any]]

_CHAT = r"/chats/(-?\d+)"
_MESSAGE = _CHAT + r"/messages/(\d+)"
_ACTIONS: tuple[tuple[str, str, Action], ...] = (
    ("GET", "/state", ControlActions.state),
    ("POST", "/people", ControlActions.add_user),
    ("PATCH", r"/people/(\d+)", ControlActions.change_user),
    ("POST", "/chats", ControlActions.add_group),
    ("GET", _CHAT + "/menu", ControlActions.menu),
    ("GET", _CHAT + "/messages", ControlActions.history),
    ("POST", _CHAT + "/messages", ControlActions.send),
    ("PATCH", _MESSAGE, lambda ours, r: ours.users.edit(r.user, r.chat, r.message, r.text("text"))),
    ("DELETE", _MESSAGE, lambda ours, r: ours.users.delete(r.user, r.chat, r.message)),
    ("POST", _MESSAGE + "/press", lambda ours, r: ours.users.press(r.user, r.chat, r.message, r.text("data"))),
    ("POST", _MESSAGE + "/forward", ControlActions.forward),
    ("POST", _CHAT + "/inline", lambda ours, r: ours.users.ask_inline(r.user, r.chat, r.text("query"))),
    ("POST", _CHAT + "/inline/choose", ControlActions.choose_inline),
    ("POST", _CHAT + "/bot", ControlActions.change_bot),
    ("POST", _CHAT + "/members", lambda ours, r: ours.users.set_member(r.chat, r.user, r.text("status", "member"))),
    ("POST", _CHAT + "/topics", ControlActions.open_topic),
    ("POST", _CHAT + "/migrate", ControlActions.migrate),
    ("GET", "/stickers", ControlActions.stickers),
    ("GET", "/devices", ControlActions.devices),
    ("DELETE", r"/devices/(\d+)", ControlActions.remove_device),
    ("POST", "/faults", ControlActions.add_fault),
    ("GET", "/limits", ControlActions.limits),
)
