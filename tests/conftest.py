"""What all tests share: how `pytest -n 2` spreads them over processes."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a process the tests of a file together, as they share fixtures.

    Those of the cluster all go to one: two clusters at once would starve each other.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return "tests/engine/cluster" if file.startswith("tests/engine/cluster/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
