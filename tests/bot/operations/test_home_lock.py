import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from bot.operations.home_lock import HomeInUse, exclusive_home

WAIT_S = 10.0


async def test_one_data_folder_is_for_one_bot(tmp_path: Path) -> None:
    async with exclusive_home(tmp_path / "home", WAIT_S), exclusive_home(tmp_path / "another", WAIT_S):
        with pytest.raises(HomeInUse):
            async with exclusive_home(tmp_path / "home", wait_s=0.0):
                pass
    async with exclusive_home(tmp_path / "home", WAIT_S):
        pass


async def test_who_is_just_stopping_is_waited_for(tmp_path: Path) -> None:
    entered = asyncio.Event()

    async def next_one() -> None:
        async with exclusive_home(tmp_path, WAIT_S):
            entered.set()

    async with exclusive_home(tmp_path, WAIT_S):
        waiting = asyncio.create_task(next_one())
        await asyncio.sleep(0)  # it has looked
        assert not entered.is_set()
    await waiting
    assert entered.is_set()


async def test_a_killed_bot_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    """Even while a child of it, as the engine is one, still lives."""
    code = """
import asyncio, subprocess, sys
from pathlib import Path
from bot.operations.home_lock import exclusive_home

async def main():
    async with exclusive_home(Path(sys.argv[1]), 0.0):
        endless = [sys.executable, "-c", "import signal; signal.pause()"]
        child = subprocess.Popen(endless, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        print(child.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(tmp_path)), stdout=PIPE, cwd=Path(__file__).parents[3]
    )
    assert holder.stdout is not None
    child = int(await holder.stdout.readline())
    with pytest.raises(HomeInUse):
        async with exclusive_home(tmp_path, wait_s=0.0):
            pass
    holder.kill()
    await holder.wait()
    try:
        async with exclusive_home(tmp_path, WAIT_S):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
