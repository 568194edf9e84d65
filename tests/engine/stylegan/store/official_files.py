"""Writes network files in the official container format, sound or hostile, for the tests."""

import io
import pickle
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from engine.stylegan.generator import Generator, GeneratorConfig

SMALL = GeneratorConfig(
    z_dim=8, w_dim=12, img_resolution=16, num_mapping_layers=2, channel_base=64, channel_max=16, conv_clamp=256.0
)


@dataclass(frozen=True)
class Name:
    """A name that the reader of the file is to look up."""

    module: str
    name: str


@dataclass(frozen=True)
class Call:
    """A call that the reader of the file is to make."""

    function: Name
    arguments: tuple[Any, ...] = ()


RECONSTRUCT = Name("torch_utils.persistence", "_reconstruct_persistent_obj")
PARAMETER = Name("torch._utils", "_rebuild_parameter")
TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
STORAGE = Name("torch.storage", "_load_from_bytes")
ORDERED = Call(Name("collections", "OrderedDict"))


class Writer(pickle._Pickler):  # the one in Python: it alone can be told how to write a type
    """Pickles names and calls as such, without asking whether they exist."""

    dispatch: ClassVar[dict[type, Any]] = dict(pickle._Pickler.dispatch)
    write: Callable[[bytes], None]
    save: Callable[[object], None]
    memoize: Callable[[object], None]

    def save_name(self, name: Name) -> None:
        self.write(pickle.GLOBAL + f"{name.module}\n{name.name}\n".encode())

    def save_call(self, call: Call) -> None:
        self.save(call.function)
        self.save(call.arguments)
        self.write(pickle.REDUCE)
        self.memoize(call)

    dispatch[Name] = save_name
    dispatch[Call] = save_call


def pickled(content: object, protocol: int = 3) -> bytes:
    file = io.BytesIO()
    Writer(file, protocol).dump(content)
    return file.getvalue()


def stored(tensor: Tensor, **changes: object) -> Call:
    """A tensor as official files hold it; `changes` replaces its offset, size, stride or data."""
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        storage = tensor._typed_storage()  # type: ignore[no-untyped-call]
        torch.save(storage, stream, _use_new_zipfile_serialization=False)
    view = {"data": stream.getvalue(), "offset": 0, "size": tuple(tensor.shape), "stride": tensor.stride()} | changes
    data = Call(STORAGE, (view["data"],))
    return Call(TENSOR, (data, view["offset"], view["size"], view["stride"], False, ORDERED))


def module(class_name: str, **state: object) -> Call:
    source = "raise SystemExit('the source in a network file was executed')"
    meta = {"type": "class", "version": 6, "module_src": source, "class_name": class_name, "state": state}
    return Call(RECONSTRUCT, (meta,))


def official(
    generator: Generator, changes: Mapping[str, object] | None = None, *, every_argument: bool = False
) -> dict[str, Any]:
    """The content of a network file. `changes` replaces tensors by `state_dict` name (None removes one),
    or arguments by their name.
    """
    config, changed = generator.config, dict(changes or {})
    arguments: dict[str, Any] = {name: getattr(config, name) for name in ("z_dim", "c_dim", "w_dim", "img_resolution")}
    synthesis: dict[str, Any] = {"channel_base": config.channel_base, "channel_max": config.channel_max}
    mapping: dict[str, Any] = {"num_layers": config.num_mapping_layers}
    if every_argument:
        arguments["img_channels"] = 3
        mapping |= {"activation": "lrelu", "lr_multiplier": 0.01, "w_avg_beta": 0.995}
        synthesis |= {"architecture": "skip", "resample_filter": [1, 3, 3, 1], "use_noise": True}
        synthesis["conv_clamp"] = config.conv_clamp
    for name in list(changed):
        for group in (arguments, mapping, synthesis):
            if name in group:
                group[name] = changed.pop(name)
    arguments |= {"mapping_kwargs": mapping, "synthesis_kwargs": synthesis}
    tensors: dict[str, object] = {name: stored(tensor) for name, tensor in generator.state_dict().items()} | changed
    layer_attributes: dict[str, object] = {"conv_clamp": config.conv_clamp}
    root = _module_tree(tensors, layer_attributes)
    root["_init_args"], root["_init_kwargs"] = (), arguments
    return {"G": None, "D": None, "G_ema": module("Generator", **root), "training_set_kwargs": None}


def _module_tree(tensors: dict[str, object], layer_attributes: dict[str, object]) -> dict[str, Any]:
    parameters = {
        name: value if name.endswith(("_const", "w_avg", "filter")) else Call(PARAMETER, (value, False, ORDERED))
        for name, value in tensors.items()
        if "." not in name and value is not None
    }
    children = {name.partition(".")[0] for name in tensors if "." in name}
    state: dict[str, Any] = {
        "_parameters": {name: value for name, value in parameters.items() if isinstance(value, Call)},
        "_buffers": {"absent": None},
        "_non_persistent_buffers_set": set(),
        "_modules": {
            child: module(
                "Part",
                **_module_tree(
                    {name[len(child) + 1 :]: v for name, v in tensors.items() if name.startswith(f"{child}.")},
                    layer_attributes,
                ),
            )
            for child in sorted(children)
        },
    }
    return state | (layer_attributes if "noise_strength" in tensors else {})


def write(path: Path, content: object, protocol: int = 3) -> Path:
    path.write_bytes(pickled(content, protocol))
    return path
