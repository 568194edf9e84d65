"""`throwback playground`: runs a fake Telegram with a chat page, the bot and its engine, all on this machine."""

import argparse
import asyncio
import logging
import os
import sqlite3
import ssl
import webbrowser
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bot.commands.numbers import whole_number
from bot.commands.output import USAGE_STATUS, CommandError, explain_database, say
from bot.operations.processes import stop_event
from bot.playground.bot_supervisor import BotGone, BotSupervisor
from bot.playground.fake_telegram import FakeTelegram
from bot.playground.local_network import ANY_ADDRESS, HostError, serve_network
from bot.playground.server import serve
from bot.playground.store import StoreInUse
from bot.settings import Settings

DEFAULT_PORT = 8090  # of the page; any that is seldom taken
_PLACEHOLDER_TOKEN = "1:aaaaaaaaaaaaaaaaaaaaaaaa"  # noqa: S105 (`Settings` want one; the playground makes the bot's)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=whole_number(0, 65_535),
        default=DEFAULT_PORT,
        help=f"of the page; 0 takes a free one (default {DEFAULT_PORT})",
    )
    parser.add_argument(
        "--host",
        nargs="?",
        const=ANY_ADDRESS,
        metavar="ADDRESS",
        help="let other devices in your network use the page, too, each with a code that works once; ADDRESS is this "
        "machine's own there, and need not be given (default: only this machine)",
    )
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="serve other devices over TLS with this")
    parser.add_argument("--key", type=Path, metavar="PEM", help="the certificate's private key, where it is apart")
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    parser.epilog = "Needs no token and no network. Conversations are kept in THROWBACK_HOME/playground."


def run(args: argparse.Namespace) -> int:
    if args.certificate is not None and args.host is None:
        raise CommandError("--certificate is for other devices; --host lets them in", USAGE_STATUS)
    tls = _tls(args.certificate, args.key)
    settings = Settings.read(os.environ | {"THROWBACK_TOKEN": _PLACEHOLDER_TOKEN})
    os.umask(0o077)  # conversations are nobody else's business on this machine
    logging.getLogger("tornado").setLevel(logging.ERROR)
    try:
        asyncio.run(_playground(settings.home, args.port, args.host, tls, browser=not args.no_browser))
    except HostError as error:
        raise CommandError(str(error)) from error
    except StoreInUse as error:
        reason = "another playground is running with this data folder; THROWBACK_HOME chooses another"
        raise CommandError(reason) from error
    except sqlite3.Error as error:
        raise CommandError(explain_database(error, settings.home / "playground")) from error
    except OSError as error:
        raise CommandError(_reason(error, settings.home, args.port)) from error
    return 0


def _reason(error: OSError, home: Path, port: int) -> str:
    if error.filename is None:  # not about a file, so about the socket
        return f"the page cannot be served on port {port} ({error.strerror}); --port chooses another"
    return f"{home} cannot be used ({error.strerror}); THROWBACK_HOME chooses another folder"


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise CommandError("--key needs the --certificate that it belongs to", USAGE_STATUS)
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        reason = "no certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise CommandError(f"{certificate} cannot be used ({reason})") from error
    return context


async def _open_to_network(
    stack: AsyncExitStack, telegram: FakeTelegram, host: str, port: int, tls: ssl.SSLContext | None
) -> None:
    """Serve other devices, too, and say where, with the code for the next one."""
    url = await stack.enter_async_context(serve_network(telegram, host, port, tls))
    say(f"Other devices in your network: {url}")
    telegram.devices.on_code = lambda code: say(f"  code for the next device: {code}")
    telegram.devices.on_code(telegram.devices.code)
    if tls is None:
        say("  Without --certificate, whoever can listen in on your network sees what is sent.")


async def _playground(home: Path, port: int, host: str | None, tls: ssl.SSLContext | None, browser: bool) -> None:
    stop = stop_event()
    telegram = FakeTelegram(home / "playground")
    async with serve(telegram, port) as address, AsyncExitStack() as stack:
        supervisor = BotSupervisor(address, home)
        say(f"Chat with the bot at {address.url}  (Ctrl-C stops)")
        if host is not None:
            await _open_to_network(stack, telegram, host, urlsplit(address.url).port or 0, tls)
        if browser and not await asyncio.to_thread(webbrowser.open, address.url):
            say("No browser could be opened; open the address yourself.")
        supervising = asyncio.create_task(supervisor.keep_running())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((supervising, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            supervising.cancel()
            stopping.cancel()
            outcome = (await asyncio.gather(supervising, stopping, return_exceptions=True))[0]
            await supervisor.stop()
    if isinstance(outcome, BotGone):
        raise CommandError(f"the bot does not stay up; its log is {supervisor.log}")
    if isinstance(outcome, Exception):
        raise outcome
