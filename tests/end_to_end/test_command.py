"""`throwback playground` as a newcomer meets it: one command, no token, the real bot and the real engine."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.end_to_end.phone import WAIT_S, Phone
from tests.end_to_end.processes import RunningProcess, Telegram, gone

STOP_S = 20.0  # s for an orderly stop; it takes five on a machine with nothing else to do

SOCKS = "socks5://127.0.0.1:9"  # where nobody answers
PLAYGROUND = ("-m", "bot.cli", "playground", "--no-browser", "--port", "0")


class Playground(RunningProcess):
    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        log = home / "said.log"
        log.touch()
        # A proxy that does not answer: the way to the bot's Telegram must not use it.
        super().__init__(PLAYGROUND, log, THROWBACK_HOME=str(home), HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY=SOCKS)

    @property
    def url(self) -> str:
        """Return the page's address, once the command has printed it."""
        deadline = time.monotonic() + WAIT_S
        while "http://" not in (said := self.log.read_text()):
            assert time.monotonic() < deadline and self.process.poll() is None, said
            time.sleep(0.05)
        return said[said.index("http://") :].split()[0]

    def children(self) -> list[int]:
        """Return the processes that it has started itself: the bot."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def playground(tmp_path: Path) -> Iterator[Playground]:
    with Playground(tmp_path / "home") as playground:
        yield playground


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")
async def test_playground_lives_through_its_bots_death_and_stops_in_order(playground: Playground) -> None:
    async with httpx.AsyncClient(base_url=playground.url, timeout=WAIT_S) as http:
        assert "Throwback" in (await http.get("/")).text
        phone = Phone(http)
        await phone.write("/start")
        await phone.sees("Send me a photo")
        (bot,) = playground.children()
        os.kill(bot, signal.SIGKILL)
        await phone.write("/help")
        await phone.sees("Here is what I can do")
        (another,) = playground.children()
        assert another != bot
    for name in ("networks", "ages", "perceptual"):  # its bot uses what was pulled or learnt
        (playground.home / name / "pulled").touch()
        assert (playground.home / "playground" / "bot" / name / "pulled").exists()
    began = time.monotonic()
    assert playground.stop() == 0
    assert time.monotonic() - began < STOP_S
    assert gone(another)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="looks into /proc")
async def test_bot_goes_when_the_playground_is_killed(playground: Playground) -> None:
    async with httpx.AsyncClient(base_url=playground.url, timeout=WAIT_S) as http:
        await Phone(http).bot_listens()
    (bot,) = playground.children()
    playground.kill()
    async with asyncio.timeout(WAIT_S):
        while not gone(bot):  # noqa: ASYNC110 (another's child announces no end)
            await asyncio.sleep(0.05)


async def test_a_taken_port_is_said_in_one_line(playground: Playground, tmp_path: Path) -> None:
    port = playground.url.rpartition(":")[2]
    log = tmp_path / "second.log"
    arguments = ("-m", "bot.cli", "playground", "--no-browser", "--port", port)
    with RunningProcess(arguments, log, THROWBACK_HOME=str(tmp_path / "second")) as second:
        assert second.process.wait(WAIT_S) == 1
        second.stdout.close()
    (line,) = log.read_text().splitlines()
    assert f"port {port}" in line and "--port" in line


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        (
            {"THROWBACK_WEBHOOK_URL": "https://example.org:9000", "THROWBACK_WEBHOOK_SECRET": "secret-of-the-webhook"},
            "refuses the bot",
        ),
        ({"THROWBACK_METRICS_PORT": "{taken}"}, "a port is taken; THROWBACK_METRICS_PORT"),
        ({"THROWBACK_HOME": "/dev/null/home"}, "THROWBACK_HOME chooses another folder"),
    ],
    ids=["webhook", "port", "home"],
)
def test_what_keeps_the_bot_from_starting_is_one_line(
    telegram: Telegram, tmp_path: Path, mistake: dict[str, str], said: str
) -> None:
    taken = telegram.url.rpartition(":")[2]
    wrong = {name: value.format(taken=taken) for name, value in mistake.items()}
    home = {"THROWBACK_HOME": str(tmp_path / "bot"), "THROWBACK_LOG": "error"}
    told = {"THROWBACK_TOKEN": telegram.token, "THROWBACK_API_URL": telegram.url}
    log = tmp_path / "bot.log"
    with RunningProcess(("-m", "bot.cli", "run"), log, **home | told | wrong) as bot:
        assert bot.process.wait(WAIT_S) == 1
        bot.stdout.close()
    *_, line = log.read_text().splitlines()
    assert line.startswith("throwback: ") and said in line
    assert "Traceback" not in log.read_text()


def refused(home: Path, arguments: tuple[str, ...] = PLAYGROUND) -> str:
    """Return the one line that a playground prints which cannot start."""
    with RunningProcess(arguments, home / "log", THROWBACK_HOME=str(home)) as one:
        assert one.process.wait(WAIT_S) == 1
        one.stdout.close()
    (line,) = (home / "log").read_text().splitlines()
    return line


def test_a_playground_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "playground").write_text("a file where a folder should be")
    assert "THROWBACK_HOME chooses another folder" in refused(tmp_path)


def test_a_playground_of_damaged_conversations_says_so(tmp_path: Path) -> None:
    (tmp_path / "playground").mkdir()
    (tmp_path / "playground" / "conversations.sqlite3").write_bytes(b"no database" * 1000)
    assert "is damaged" in refused(tmp_path)


def test_a_full_disk_is_not_taken_for_another_playground(tmp_path: Path) -> None:
    program = (
        "import resource, signal, sys\nfrom bot.cli import main\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\nsys.exit(main(sys.argv[1:]))"
    )
    assert "disk is full" in refused(tmp_path, ("-c", program, *PLAYGROUND[2:]))
