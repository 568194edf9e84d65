"""What a page or a test can ask of the playground, by verb and path: people's actions, faults, limits, the log."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import Any

from bot.playground.errors import ApiError, Json, bad_request
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.faults import Fault, FaultKind
from bot.playground.methods.profile import menu_for
from bot.playground.request_parameters import Parameters, Upload
from bot.playground.users import Users
from bot.playground.world import Chat, ChatKind


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its parameters, its files, and the numbers in its path (a chat's, then a message's)."""

    parameters: Parameters
    uploads: list[Upload]
    numbers: tuple[int, ...]

    @property
    def person(self) -> int:
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
    """Actions return what is sent back as JSON; refusals are `ApiError`, nonsense is `ValueError`."""

    def __init__(self, double: FakeTelegram) -> None:
        self.double = double
        self.people = Users(double)

    async def act(self, verb: str, path: str, parameters: Parameters, uploads: list[Upload]) -> Any:
        """Runs the action for a verb and a path such as `/chats/1001/messages`."""
        for known, pattern, action in _ACTIONS:
            matched = pattern.fullmatch(path)
            if matched and verb == known:
                return await action(self, Asked(parameters, uploads, tuple(map(int, matched.groups()))))
        raise ApiError(404, "Not Found")

    # What there is

    async def state(self, _: Asked) -> Json:
        world = self.double.world
        return {
            "bot": self.double.bot | {"listening": self.double.updates.listening},
            "people": [asdict(person) for person in world.people.values()],
            "chats": [self._summary(chat) for chat in world.chats.values() if chat.migrated_to is None],
        }

    async def history(self, asked: Asked) -> list[Json]:
        world = self.double.world
        return [world.display(message) for message in world.history(world.chat(asked.chat))]

    async def menu(self, asked: Asked) -> list[Json]:
        return menu_for(self.double, asked.chat, asked.person)

    def _summary(self, chat: Chat) -> Json:
        return asdict(chat) | {"last_message": self.double.world.last(chat)}

    # What people do

    async def say(self, asked: Asked) -> list[Json]:
        """A text, or files with a caption."""
        how: dict[str, Any] = {
            "reply_to": asked.parameters.integer("reply_to"),
            "topic": asked.parameters.integer("topic"),
            "anonymous": asked.parameters.flag("anonymous"),
        }
        if not asked.uploads:
            return [await self.people.write(asked.person, asked.chat, asked.text("text"), **how)]
        as_files = asked.parameters.flag("as_files")
        return await self.people.send(
            asked.person, asked.chat, asked.uploads, caption=asked.text("caption"), as_files=as_files, **how
        )

    async def edit(self, asked: Asked) -> Json:
        return await self.people.edit(asked.person, asked.chat, asked.message, asked.text("text"))

    async def delete(self, asked: Asked) -> None:
        await self.people.delete(asked.person, asked.chat, asked.message)

    async def forward(self, asked: Asked) -> Json:
        target = asked.parameters.required_integer("to_chat")
        return await self.people.forward(asked.person, asked.chat, asked.message, target)

    async def press(self, asked: Asked) -> Json:
        inaccessible = asked.parameters.flag("inaccessible")
        return await self.people.press(
            asked.person, asked.chat, asked.message, asked.text("data"), inaccessible=inaccessible
        )

    async def ask_inline(self, asked: Asked) -> Json:
        return await self.people.ask_inline(asked.person, asked.chat, asked.text("query"), asked.text("offset"))

    async def choose_inline(self, asked: Asked) -> Json:
        return await self.people.choose_inline(
            asked.person, asked.chat, asked.text("query_id"), asked.text("result_id")
        )

    # Who there is

    async def add_person(self, asked: Asked) -> Json:
        name = asked.text("first_name") or "Somebody"
        return asdict(self.double.world.add_person(name, asked.text("language_code", "en"), asked.text("username")))

    async def change_person(self, asked: Asked) -> Json:
        person = self.double.world.person(asked.numbers[0])
        person.language_code = asked.text("language_code", person.language_code)
        person.first_name = asked.text("first_name", person.first_name)
        self.double.world.save_person(person)
        return asdict(person)

    async def add_group(self, asked: Asked) -> Json:
        kind = ChatKind(asked.text("kind", ChatKind.GROUP.value))
        members = [int(member) for member in asked.parameters.sequence("members") or []]
        if not members:
            raise bad_request("a group needs members")
        forum = asked.parameters.flag("forum")
        chat = self.double.world.add_group(asked.text("title", "Group"), members, kind, forum)
        if asked.parameters.flag("with_bot"):
            await self.people.add_bot(members[0], chat.id)
        return asdict(chat)

    async def change_bot(self, asked: Asked) -> None:
        match asked.text("action"):
            case "block":
                await self.people.block(asked.chat)
            case "unblock":
                await self.people.unblock(asked.chat)
            case "add":
                await self.people.add_bot(asked.person, asked.chat)
            case "remove":
                await self.people.remove_bot(asked.person, asked.chat)
            case "promote":
                await self.people.promote_bot(asked.person, asked.chat)
            case "demote":
                await self.people.promote_bot(asked.person, asked.chat, administrator=False)
            case unknown:
                raise bad_request(f"unknown action {unknown!r}")

    async def set_member(self, asked: Asked) -> None:
        await self.people.set_member(asked.chat, asked.person, asked.text("status", "member"))

    async def open_topic(self, asked: Asked) -> Json:
        return {"topic": await self.people.open_topic(asked.person, asked.chat, asked.text("name", "Topic"))}

    async def migrate(self, asked: Asked) -> Json:
        return asdict(await self.people.migrate(asked.person, asked.chat))

    # For tests

    async def add_fault(self, asked: Asked) -> None:
        self.double.faults.add(
            Fault(
                asked.text("method"),
                FaultKind(asked.text("kind")),
                asked.parameters.integer("times", 1) or 1,
                asked.parameters.integer("retry_after", 1) or 1,
                asked.text("description"),
            )
        )

    async def clear_faults(self, _: Asked) -> None:
        self.double.faults.clear()

    async def limits(self, _: Asked) -> Json:
        return self.double.rates.report()

    async def set_limits(self, asked: Asked) -> Json:
        self.double.rates.strict = asked.parameters.flag("strict")
        return self.double.rates.report()

    async def calls(self, _: Asked) -> list[Json]:
        return [asdict(call) for call in self.double.calls]


Action = Callable[[ControlActions, Asked], Awaitable[Any]]

_CHAT = r"/chats/(-?\d+)"
_MESSAGE = _CHAT + r"/messages/(\d+)"
_ACTIONS: tuple[tuple[str, re.Pattern[str], Action], ...] = tuple(
    (verb, re.compile(pattern), action)
    for verb, pattern, action in (
        ("GET", "/state", ControlActions.state),
        ("POST", "/people", ControlActions.add_person),
        ("PATCH", r"/people/(\d+)", ControlActions.change_person),
        ("POST", "/chats", ControlActions.add_group),
        ("GET", _CHAT + "/menu", ControlActions.menu),
        ("GET", _CHAT + "/messages", ControlActions.history),
        ("POST", _CHAT + "/messages", ControlActions.say),
        ("PATCH", _MESSAGE, ControlActions.edit),
        ("DELETE", _MESSAGE, ControlActions.delete),
        ("POST", _MESSAGE + "/press", ControlActions.press),
        ("POST", _MESSAGE + "/forward", ControlActions.forward),
        ("POST", _CHAT + "/inline", ControlActions.ask_inline),
        ("POST", _CHAT + "/inline/choose", ControlActions.choose_inline),
        ("POST", _CHAT + "/bot", ControlActions.change_bot),
        ("POST", _CHAT + "/members", ControlActions.set_member),
        ("POST", _CHAT + "/topics", ControlActions.open_topic),
        ("POST", _CHAT + "/migrate", ControlActions.migrate),
        ("POST", "/faults", ControlActions.add_fault),
        ("DELETE", "/faults", ControlActions.clear_faults),
        ("GET", "/limits", ControlActions.limits),
        ("PATCH", "/limits", ControlActions.set_limits),
        ("GET", "/calls", ControlActions.calls),
    )
)
