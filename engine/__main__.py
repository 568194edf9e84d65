"""`python -m engine COMMAND`: runs the commands that need torch or take long, each in a process of its own.

Each command is a module with `main(arguments) -> int`, loaded when it is asked for.
"""

import logging
import os
import sys
from importlib import import_module

from engine.errors import EngineError
from engine.settings import SettingsError

COMMANDS = {
    "serve": "engine.commands.serve",
    "connect": "engine.commands.connect",
    "networks": "engine.commands.networks",
    "ages": "engine.commands.ages",
    "bench": "engine.lab.evaluation.benchmarks",
    "lab": "engine.lab.cli",
}

_INTERRUPTED = 130  # as shells count: 128 + SIGINT

logger = logging.getLogger("engine")


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in COMMANDS:
        _say(f"usage: python -m engine {{{','.join(COMMANDS)}}} …")
        return 2
    # Read when torch is loaded. Threads that spin while they wait make everything many times slower as soon as another
    # process wants the cores; threads that sleep at once take half as long again when none does.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    # Large pages for tensors: to hand out memory 4 kB at a time costs several portraits at once a sixth of their time.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    # A network that cannot be compiled is used as it is.
    os.environ.setdefault("TORCHDYNAMO_SUPPRESS_ERRORS", "1")
    level = os.environ.get("THROWBACK_LOG", "").upper()
    logging.basicConfig(
        level=level if level in logging.getLevelNamesMapping() else "WARNING",
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    try:
        status: int = import_module(COMMANDS[arguments[0]]).main(arguments[1:])
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (EngineError, SettingsError) as error:
        _say(f"throwback: {error}")
        return 1
    except Exception as error:
        logger.debug("unforeseen", exc_info=True)
        _say(f"throwback: something went wrong ({type(error).__name__}); THROWBACK_LOG=debug tells more")
        return 1
    return status


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
