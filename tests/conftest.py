"""How tests are spread over workers, one for each core (pytest-xdist); `-n 0` runs them in this process.

Tests of one module stay on one worker, because they share fixtures. So do all that start several processes and wait for
each other's messages: a browser, a bot, a cluster would starve those of another worker. They begin first, as they take
longest.
"""

import os
from pathlib import Path

import pytest

# Several processes share the cores while the tests run; one thread each is faster than all fighting for all. Torch is
# loaded later, and the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_WITH_PROCESSES = ("bot/chaos", "end_to_end", "engine/cluster")  # folders
_TOGETHER = "processes"
_TESTS = Path(__file__).parent


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """A single module begins sooner in this process than on workers."""
    alone = len(config.args) == 1 and config.args[0].partition("::")[0].endswith(".py")
    return 0 if alone else None


@pytest.hookimpl(tryfirst=True)  # workers read the groups afterwards
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item.path)))
    items.sort(key=lambda item: _group(item.path) != _TOGETHER)


def _group(path: Path) -> str:
    name = path.relative_to(_TESTS).as_posix()
    return _TOGETHER if name.startswith(_WITH_PROCESSES) else name
