"""Memory kept and given back, seen from outside a process that does so."""

import subprocess
import sys

import pytest

_SCRIPT = """
import torch
from engine.process.malloc import give_back_memory, keep_freed_memory

def megabytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 // 2**20

torch.set_num_threads(1)
keep_freed_memory()
before = megabytes()
tensors = [torch.ones(2**22) for _ in range(16)]  # 16 MB each
del tensors
kept = megabytes() - before
give_back_memory()
print(kept, megabytes() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc's")
def test_freed_memory_stays_until_it_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, check=True, text=True)
    kept, left = map(int, done.stdout.split())
    assert kept > 200
    assert left < 50
