import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from bot.messaging.progress_board import ProgressBoard, ProgressMessage
from bot.messaging.rate_limiter import Pace
from bot.messaging.views import MessageView
from bot.playground.request_counts import RateMeter
from storage import State
from tests.bot.harness import Harness, eventually
from tests.scripted_engine import Script


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Chats:
    """Messages as they were edited, counted as Telegram counts them."""

    def __init__(self, clock: Clock) -> None:
        self.texts: dict[tuple[int, int], str] = {}
        self.edits: list[tuple[float, int]] = []
        self.meter = RateMeter(clock=clock)
        self._clock = clock

    async def edit(self, note: ProgressMessage) -> None:
        self.meter.spend(note.chat, note.chat < 0)
        self.texts[note.chat, note.message] = note.view.text
        self.edits.append((self._clock.now, note.chat))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def chats(clock: Clock) -> Chats:
    return Chats(clock)


@pytest.fixture
async def board(chats: Chats, clock: Clock) -> AsyncIterator[ProgressBoard]:
    yield ProgressBoard(chats.edit, clock)  # not entered: the test is the clock


async def run(board: ProgressBoard, clock: Clock, seconds: float) -> None:
    for _ in range(round(seconds * 2)):
        await board.due()
        clock.now += 0.5


async def test_only_the_latest_news_are_shown_and_only_once(board: ProgressBoard, chats: Chats, clock: Clock) -> None:
    for step in range(10):
        board.show(1, 7, 100, MessageView(f"step {step}"))
    await run(board, clock, 20)
    assert chats.texts == {(7, 100): "step 9"}
    assert len(chats.edits) == 1


async def test_edits_keep_their_distance(board: ProgressBoard, chats: Chats, clock: Clock) -> None:
    for step in range(60):
        board.show(1, 7, 100, MessageView(f"step {step}"))
        board.show(2, -8, 200, MessageView(f"step {step}"))
        await board.due()
        clock.now += 0.5
    for chat, least in ((7, 2.0), (-8, 8.0)):
        times = [at for at, where in chats.edits if where == chat]
        assert min(later - earlier for earlier, later in pairwise(times)) >= least


async def test_thirty_people_waiting_stay_below_the_limits(board: ProgressBoard, chats: Chats, clock: Clock) -> None:
    """Fifteen wait in private, fifteen in one group; everybody's place changes every second for two minutes."""
    for second in range(120):
        for user in range(30):
            chat = user + 1 if user < 15 else -5
            board.show(user, chat, 100 + user, MessageView(f"place {second + user}"))
        await board.due()
        clock.now += 0.5
        await board.due()
        clock.now += 0.5
    assert chats.meter.report()["excess"] == {"overall": 0, "chat": 0, "group": 0}
    assert len({message for chat, message in chats.texts if chat == -5}) == 15  # nobody in the group is left out


async def test_a_dropped_message_is_touched_no_more(chats: Chats, clock: Clock) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    async def slow(note: ProgressMessage) -> None:
        began.set()
        await may_end.wait()
        await chats.edit(note)

    board = ProgressBoard(slow, clock)
    board.show(1, 7, 100, MessageView("working"))
    editing = asyncio.create_task(board.due())
    await began.wait()
    dropping = asyncio.create_task(board.drop(1))
    await asyncio.sleep(0)
    assert not dropping.done()  # the edit under way must not overtake what is sent after it
    may_end.set()
    await asyncio.gather(editing, dropping)
    await run(board, clock, 10)
    assert len(chats.edits) == 1


async def test_an_edit_that_fails_stops_nothing(clock: Clock) -> None:
    async def broken(_: ProgressMessage) -> None:
        raise RuntimeError("no")

    board = ProgressBoard(broken, clock)
    board.show(1, 7, 100, MessageView("working"))
    await run(board, clock, 5)


@pytest.mark.heavy
async def test_thirty_people_at_once_against_a_strict_telegram(tmp_path: Path) -> None:
    """The real bot at its real pace; the playground refuses, and counts, every request too many."""
    async with Harness(tmp_path, pace=Pace(), strict=True) as harness:
        users = [harness.user(f"P{number}") for number in range(30)]
        group = harness.group(*users[27:])
        for number, user in enumerate(users):
            chat = group.id if number >= 27 else None
            await user.send(Script.HOLD, chat, shade=100 + number, caption="/young@throwback_bot samoyed")
        for user in users:
            portrait = await user.portrait_in(State.AWAITING_BABY_PHOTO)
            await harness.services.answers.skip_baby_photo(portrait.id)
        await users[20].sees("pets are ahead of you")

        async def all_done() -> bool:
            await harness.services.engine.describe()  # the scripted engine lets go of what it holds
            return not await harness.services.storage.queue.unfinished()

        await eventually(all_done)
        assert all([message for message in harness.said_in(user.id) if "video" in message] for user in users[:27])
        assert len([message for message in harness.said_in(group.id) if "video" in message]) == 3
        report = harness.telegram.rates.report()
        assert report["excess"] == {"overall": 0, "chat": 0, "group": 0}
        assert all(call.status != 429 for call in harness.telegram.calls)
