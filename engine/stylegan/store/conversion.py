"""Turns stored tensors into tensors, and weights into a generator, and checks everything on the way."""

import warnings
from collections.abc import Mapping
from io import BytesIO
from math import prod
from typing import TypeGuard

import torch
from torch import Tensor

from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.errors import Unfit
from engine.stylegan.store.pickles import StoredTensor

# How every stream of `torch.save` began before it wrote zip archives, which could unfold to any size.
_STREAM_START = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def read_tensor(name: str, stored: StoredTensor) -> Tensor:
    """A copy of the tensor, in float32. Raises `Unfit` where its storage or its view into it are not sound."""
    if not stored.storage.data.startswith(_STREAM_START):
        raise Unfit(f"has numbers in {name!r} in an unknown format")
    with warnings.catch_warnings(action="ignore"):  # typed storages are deprecated, but that is what was saved
        try:
            storage = torch.load(BytesIO(stored.storage.data), map_location="cpu", weights_only=True)
        except Exception:  # torch.load raises whatever its parts raise
            raise Unfit(f"has numbers in {name!r} that cannot be read") from None
        if not isinstance(storage, torch.storage.TypedStorage) or not storage.dtype.is_floating_point:
            raise Unfit(f"has something else than numbers in {name!r}")
        flat = torch.tensor([], dtype=storage.dtype).set_(storage.untyped())  # type: ignore[no-untyped-call]
    size, stride = stored.size, stored.stride
    if not _naturals(size) or not _naturals(stride) or len(size) != len(stride):
        raise Unfit(f"gives {name!r} an impossible shape")
    last = stored.offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    # No more elements than stored: a stride of zero would unfold one number to any size.
    if prod(size) == 0 or stored.offset < 0 or last >= flat.numel() or prod(size) > flat.numel():
        raise Unfit(f"gives {name!r} a shape that its numbers do not fill")
    return flat.as_strided(size, stride, stored.offset).to(torch.float32, copy=True).contiguous()


def _naturals(values: tuple[object, ...]) -> TypeGuard[tuple[int, ...]]:
    return all(isinstance(value, int) and value >= 0 for value in values)


def build_generator(config: GeneratorConfig, state: Mapping[str, Tensor]) -> Generator:
    """A frozen generator with these weights, in float32. Raises `Unfit` where they do not fit the configuration."""
    with torch.device("meta"):  # no time or memory for weights that are replaced at once
        generator = Generator(config)
    expected = generator.state_dict()
    for name in sorted(expected.keys() | state.keys()):
        if name not in state:
            raise Unfit(f"lacks {name!r}, which a network of its size has")
        if name not in expected:
            raise Unfit(f"has {name!r}, which a network of its size has not")
        if state[name].shape != expected[name].shape:
            raise Unfit(f"has {name!r} of shape {list(state[name].shape)} instead of {list(expected[name].shape)}")
        if not bool(state[name].isfinite().all()):
            raise Unfit(f"has numbers in {name!r} that are not finite")
    generator.load_state_dict({name: tensor.float() for name, tensor in state.items()}, assign=True)
    return generator.eval().requires_grad_(False)
