"""Makes a film smaller that the messenger takes no other way."""

import asyncio
import tempfile
from asyncio.subprocess import DEVNULL
from pathlib import Path

import imageio_ffmpeg

_TIMEOUT_S = 120.0  # s; a film of a few seconds takes a few
_QUALITY = "30"  # x264's constant rate factor; a film of ours has about 20, and six more halve the size


async def halved(film: bytes, width: int, height: int, folder: Path) -> tuple[bytes, int, int] | None:
    """Return the MP4 with half the sides and fewer bits, and its sides in pixels; None if that cannot be done.

    What ffmpeg needs on the disk is written to `folder`.
    """
    width, height = max(2, width // 4 * 2), max(2, height // 4 * 2)  # H.264 wants even sides
    try:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            before, after = Path(place, "before.mp4"), Path(place, "after.mp4")
            await asyncio.to_thread(before.write_bytes, film)
            if not await _ran("-i", str(before), "-vf", f"scale={width}:{height}", "-crf", _QUALITY, str(after)):
                return None
            return await asyncio.to_thread(after.read_bytes), width, height
    except (OSError, RuntimeError, TimeoutError):  # RuntimeError: there is no ffmpeg
        return None


async def _ran(*arguments: str) -> bool:
    command = (imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", *arguments[:-1])
    output = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-an", arguments[-1])
    process = await asyncio.create_subprocess_exec(*command, *output, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL)
    try:
        return await asyncio.wait_for(process.wait(), _TIMEOUT_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
