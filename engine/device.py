"""The device and precision that the engine computes with."""

import torch

from engine.errors import OperatorError


def choose_device(wanted: str) -> torch.device:
    """The device for ``auto``, ``cpu`` or ``cuda``. Raises `OperatorError` when there is no such device."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise OperatorError("THROWBACK_DEVICE is cuda, but there is none; auto takes what there is")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def quick_dtype(device: torch.device) -> torch.dtype:
    """What searches on this device may compute in: bfloat16 where the hardware multiplies it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    has_bfloat16 = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return torch.bfloat16 if has_bfloat16 is not None and has_bfloat16() else torch.float32
