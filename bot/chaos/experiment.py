"""The experiment: an hour, say, of random acts, faults and kills; then calm, until nothing is open; then the checks."""

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.chaos import invariants
from bot.chaos.chat_log import ChatLog
from bot.chaos.fault_injection import FaultInjector
from bot.chaos.photo_maker import PhotoMaker
from bot.chaos.random_users import NAME, WORD, RandomUsers
from bot.chaos.recovery import Recovery
from bot.chaos.supervised_bot import ProcessUsage, SupervisedBot, processes_of
from bot.chaos.unreliable_network import UnreliableNetwork
from bot.operations.lifetimes import in_background
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve

_IN_GROUPS = 0.4  # of all people; the others may be forgotten, and leave
_KILL_TIME = 0.75  # of the storm; what comes after is one life of the bot, long enough to show what it leaks
_ENGINE_KILLS = 0.3  # of all kills
_STOPS_PER_KILL = 0.2
_STOP_LIMIT_S = 5.0
_SILENCE_LIMIT_S = 20.0  # without a sign of life from a bot that is ready; systemd would wait for 60
_GROWTH_MB, _GROWTH = 48.0, 0.35  # of memory; whichever is more is none that an hour would show
_REAL_ENGINE_MB = 3072.0  # it keeps what the first portraits need, as long as others come
_MORE_DESCRIPTORS = 12
_SETTLE_S = 7.0  # s after which idle connections are closed


@dataclass(frozen=True, slots=True)
class Storm:
    """What happens. `pictures` are JPEG files of pets for the real engine; none for the scripted one."""

    seconds: float
    kills: int
    seed: int
    people: int = 20
    pause_s: float = 1.5  # s that each person rests between two acts, on average
    pictures: Sequence[bytes] = ()


async def run(storm: Storm) -> dict[str, Any]:
    """Return the figures; where `broken` names invariants that do not hold, all of it lies in the folder `kept`."""
    folder = Path(tempfile.mkdtemp(prefix="throwback-chaos-"))
    async with AsyncExitStack() as stack:
        telegram = FakeTelegram(folder / "telegram")
        address = await stack.enter_async_context(serve(telegram))
        experiment = _Experiment(storm, folder, telegram, int(address.url.rpartition(":")[2]))
        figures = await experiment.run(stack)
    if figures["broken"]:
        return figures | {"kept": str(folder)}
    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
    return figures


class _Experiment:
    def __init__(self, storm: Storm, folder: Path, telegram: FakeTelegram, port: int) -> None:
        self._storm = storm
        self._folder = folder
        self._telegram = telegram
        self._log = ChatLog()
        self._checked = invariants.CheckedInvariants()
        self._random = random.Random(storm.seed)
        self._network = UnreliableNetwork(port, self._another())
        photos = PhotoMaker(self._another(), WORD, storm.pictures)
        self._users = RandomUsers(telegram, self._log, photos, self._another(), storm.pause_s)
        self._users.populate(storm.people, round(_IN_GROUPS * storm.people))
        stranger = telegram.world.add_user(f"{NAME}?", "en").id
        self._injector = FaultInjector(telegram, stranger, self._another())
        self._first_update = telegram.updates.add_raw({}) + 1

    def _another(self) -> random.Random:
        """Return randomness of its own, so that what one part draws does not change what another does."""
        return random.Random(self._random.random())

    async def run(self, stack: AsyncExitStack) -> dict[str, Any]:
        await stack.enter_async_context(in_background(self._log.follow(self._telegram)))
        await stack.enter_async_context(self._network)
        url = f"http://127.0.0.1:{self._network.port}"
        log = self._folder / "bot.log"
        bot = SupervisedBot(url, self._telegram.token, self._folder / "bot", log, bool(self._storm.pictures))
        await stack.enter_async_context(bot)
        await bot.ready.wait()
        began = time.monotonic()
        usage = [await self._rage(bot)]
        raged_s = time.monotonic() - began
        recovery = Recovery(self._telegram, self._users, self._log, bot)
        open_ = await recovery.wait_until_nothing_is_open()
        self._checked.check("at rest once all is calm", open_)
        await asyncio.sleep(_SETTLE_S)
        answered_s = await recovery.answered_s()
        usage.append(bot.usage())
        await bot.stop()
        figures = await asyncio.to_thread(self._judge, bot, usage, self._telegram.updates.add_raw({}))
        return {"seed": self._storm.seed, "minutes": round(raged_s / 60, 2), "answer_s": answered_s} | figures

    async def _rage(self, bot: SupervisedBot) -> dict[str, ProcessUsage]:
        """Let everything happen; return what the bot's last life used near its beginning."""
        self._network.calm = False
        raging = [asyncio.create_task(work) for work in (self._users.run(), self._injector.run(), self._kill(bot))]
        used: dict[str, ProcessUsage] = {}
        try:
            done, _ = await asyncio.wait(
                raging, timeout=_KILL_TIME * self._storm.seconds, return_when=asyncio.FIRST_EXCEPTION
            )
            for task in done:
                task.result()
            await bot.stop(again=True)
            await bot.ready.wait()
            rest_s = (1 - _KILL_TIME) * self._storm.seconds
            await asyncio.sleep(rest_s / 3)
            used = bot.usage()
            await asyncio.sleep(rest_s * 2 / 3)
        finally:
            for task in raging:
                task.cancel()
            await asyncio.gather(*raging, return_exceptions=True)
            self._network.calm = True
            self._telegram.faults.clear()
        return used

    async def _kill(self, bot: SupervisedBot) -> None:
        """Kill bot and engine at moments that are equally likely, and tell both to stop now and then."""
        randomness, kills = self._another(), self._storm.kills
        stops = round(kills * _STOPS_PER_KILL)
        moments = [
            (randomness.uniform(0, _KILL_TIME * self._storm.seconds), is_kill)
            for is_kill in [True] * kills + [False] * stops
        ]
        began = time.monotonic()
        for at_s, is_kill in sorted(moments):
            await asyncio.sleep(max(0.0, began + at_s - time.monotonic()))
            if not is_kill:
                await bot.stop(again=True)
                continue
            kill = bot.kill_engine if randomness.random() < _ENGINE_KILLS else bot.kill
            while not kill():  # noqa: ASYNC110 (it is just being started, which nobody announces)
                await asyncio.sleep(0.05)

    def _judge(self, bot: SupervisedBot, usage: Sequence[dict[str, ProcessUsage]], last: int) -> dict[str, Any]:
        checked, log, home = self._checked, self._log, bot.home
        rows = invariants.Rows(home)
        marks = {person.id: person.mark for person in self._users.people}
        invariants.check_updates(checked, rows, range(self._first_update, last))
        outcomes = invariants.check_portraits(checked, rows, log)
        invariants.check_photos(checked, rows, log)
        invariants.check_results(checked, rows, log)
        invariants.check_files(checked, rows, home)
        invariants.check_forgotten(checked, rows, log, home, marks)
        errors = invariants.check_log(checked, bot.log, (NAME, WORD, self._telegram.token, *marks.values()))
        self._check_processes(bot, usage)
        faults = self._injector.counts + self._network.failures
        return {
            "actions": dict(log.actions),
            "faults": dict(faults),
            "kills": dict(bot.deaths),
            "stops": len(bot.stops_s),
            "slowest_stop_s": round(max(bot.stops_s), 2),
            "starts_refused": bot.refused,
            "longest_silence_s": round(bot.silent_s, 1),
            "updates": last - self._first_update,
            "updates_set_aside": len(rows.aside),
            "photos": len(log.photos),
            "portraits": dict(outcomes),
            "films": sum(log.films.values()),
            "people_forgotten": len(log.forgotten),
            "usage": [{name: asdict(one) for name, one in used.items()} for used in usage],
            "errors": dict(errors),
            "checked": dict(checked.counts),
            "broken": checked.broken,
        }

    def _most_mb(self, name: str, before_mb: float) -> float:
        """Return how much memory a process may use that used so much near its beginning."""
        if name == "engine" and self._storm.pictures:
            return _REAL_ENGINE_MB
        return before_mb + max(_GROWTH_MB, _GROWTH * before_mb)

    def _check_processes(self, bot: SupervisedBot, usage: Sequence[dict[str, ProcessUsage]]) -> None:
        before, after = usage
        compared = {name: used for name, used in after.items() if name in before}
        grown = [
            f"the {name} grew from {before[name].memory_mb} to {used.memory_mb} MB"
            for name, used in compared.items()
            if used.memory_mb > self._most_mb(name, before[name].memory_mb)
        ]
        more = [
            f"the {name} had {before[name].descriptors} descriptors, and has {used.descriptors}"
            for name, used in compared.items()
            if used.descriptors > before[name].descriptors + _MORE_DESCRIPTORS
        ]
        check = self._checked.check
        check("memory as at the start", grown, len(compared))
        check("descriptors as at the start", more, len(compared))
        check("no process left", [f"process {pid}" for pid in processes_of(bot.home)])
        check("never ended by itself", [f"status {status}" for status in bot.ended])
        check("never silent", [f"{bot.silent_s:.0f} s"] if bot.silent_s > _SILENCE_LIMIT_S else [])
        slow = [f"{seconds:.1f} s" for seconds in bot.stops_s if seconds > _STOP_LIMIT_S]
        check("stopped within five seconds", slow, len(bot.stops_s))


def summary(figures: dict[str, Any]) -> list[str]:
    """Return the figures as lines for people."""
    lines = []
    for name, value in figures.items():
        if name == "broken":
            continue
        text = ", ".join(f"{key}: {one}" for key, one in value.items()) if isinstance(value, dict) else value
        lines.append(f"{name}: {text}")
    broken = figures["broken"]
    for name in figures["checked"]:
        lines.append(f"{'BROKEN' if name in broken else 'held'}: {name}")
        lines += [f"    {example}" for example in broken.get(name, [])]
    return lines
