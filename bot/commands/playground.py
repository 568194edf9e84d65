"""`throwback playground`: a Telegram of our own, the real bot and its engine, and a chat page, all on this machine."""

import argparse
import asyncio
import logging
import os
import signal
import sqlite3
import webbrowser
from pathlib import Path

from bot.commands.numbers import whole_number
from bot.commands.output import FAULT_STATUS, explain_database, say
from bot.playground.bot_supervisor import BotGone, BotSupervisor
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.server import serve
from bot.playground.store import StoreInUse
from bot.settings import Settings

PORT = 8090
# Settings want a token; the playground makes its own, which the bot is told later.
_ANY_TOKEN = "1:aaaaaaaaaaaaaaaaaaaaaaaa"  # noqa: S105


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port", type=whole_number(0, 65_535), default=PORT, help=f"of the page; 0 takes a free one (default {PORT})"
    )
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    parser.epilog = "Needs no token and no network. Conversations are kept in THROWBACK_HOME/playground."


def run(args: argparse.Namespace) -> int:
    settings = Settings.read(os.environ | {"THROWBACK_TOKEN": _ANY_TOKEN})
    logging.getLogger("tornado").setLevel(logging.ERROR)
    try:
        return asyncio.run(_playground(settings.home, args.port, browser=not args.no_browser))
    except StoreInUse:
        say("throwback: another playground is running with this data folder; THROWBACK_HOME chooses another")
    except sqlite3.Error as error:
        say(f"throwback: {explain_database(error, settings.home / 'playground')}")
    except OSError as error:
        say(f"throwback: {_explained(error, settings.home, args.port)}")
    return FAULT_STATUS


def _explained(error: OSError, home: Path, port: int) -> str:
    if error.filename is None:  # no file's, so the socket's
        return f"the page cannot be served on port {port} ({error.strerror}); --port chooses another"
    return f"{home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder"


async def _playground(home: Path, port: int, browser: bool) -> int:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(FakeTelegram.open(home / "playground"), port) as address:
        supervisor = BotSupervisor(address, home)
        say(f"Chat with the bot at {address.url}  (Ctrl-C stops)")
        if browser and not await asyncio.to_thread(webbrowser.open, address.url):
            say("No browser could be opened; open the address yourself.")
        keeping = asyncio.create_task(supervisor.keep_running())
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((keeping, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            keeping.cancel()
            waiting.cancel()
            outcome = (await asyncio.gather(keeping, waiting, return_exceptions=True))[0]
            await supervisor.stop()
    if isinstance(outcome, BotGone):
        say(f"throwback: the bot does not stay up; its log is {supervisor.log}")
        return FAULT_STATUS
    if isinstance(outcome, Exception):
        raise outcome
    return 0
