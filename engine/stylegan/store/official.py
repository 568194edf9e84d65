"""Reads the generator out of an official StyleGAN2-ADA network file (`.pkl`).

The configuration is taken from the shapes of the tensors and compared with the arguments in the file, of which some
files hold all and some only those that were given.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import cast

from engine.errors import NetworkError
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.conversion import build_generator, read_tensor
from engine.stylegan.store.errors import OFFICIAL, Unfit
from engine.stylegan.store.pickles import CHECKPOINT, Module, StoredTensor, read_pickle

MAX_MODULES = 1_000  # networks of 1024 px have about 80
MAX_DEPTH = 8  # G_ema.synthesis.b4.conv1.affine is four deep
MAX_NAME = 64
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C  # the first thing in files that torch.save wrote before PyTorch 1.6

State = dict[str, object]
Shapes = Mapping[str, tuple[int, ...]]

_ARGUMENT_ORDER = ("z_dim", "c_dim", "w_dim", "img_resolution", "img_channels", "mapping_kwargs", "synthesis_kwargs")
_USUAL_CHANNELS = (32768, 512)  # channel_base and channel_max where a file does not give them
# Arguments that make another network of the same shapes, with the only values that our generator has.
_FIXED: dict[str, object] = {
    "activation": "lrelu",
    "architecture": "skip",
    "lr_multiplier": 0.01,
    "resample_filter": [1, 3, 3, 1],
    "use_noise": True,
}


def read_official(path: Path) -> Generator:
    """The generator (`G_ema`) in an official network file, in float32 on the CPU, frozen.

    Executes and imports nothing from the file. Raises `NetworkError` for anything else than a complete
    StyleGAN2-ADA generator.
    """
    content = read_pickle(path)
    try:
        if content == _TORCH_MAGIC:
            raise Unfit(CHECKPOINT)
        module = content.get("G_ema") if isinstance(content, dict) else None
        if not isinstance(module, Module):
            raise Unfit("holds no generator (G_ema)")
        parts = dict(_walk(module))
        if "synthesis.input" in parts:
            raise Unfit(f"is a StyleGAN3 network; {OFFICIAL}")
        stored = _stored_tensors(parts)
        if sum(len(tensor.storage.data) for tensor in stored.values()) > path.stat().st_size:
            raise Unfit("shows the same numbers under many names")
        state = {name: read_tensor(name, tensor) for name, tensor in stored.items()}
        config = _infer_config(parts, {name: tuple(tensor.shape) for name, tensor in state.items()})
        return build_generator(config, state)
    except Unfit as reason:
        raise NetworkError(f"{path.name} {reason}.") from None


def _walk(root: Module) -> Iterator[tuple[str, State]]:
    """The modules' attributes by the modules' names; "" is the root."""
    waiting = [("", root)]
    for _ in range(MAX_MODULES):
        if not waiting:
            return
        name, module = waiting.pop()
        if name.count(".") > MAX_DEPTH:
            break
        yield name, cast("State", module.state)
        for child_name, child in _members(module.state.get("_modules")):
            if isinstance(child, Module):
                waiting.append((f"{name}.{child_name}".lstrip("."), child))
    raise Unfit("has far more parts than a generator")


def _stored_tensors(parts: Mapping[str, State]) -> dict[str, StoredTensor]:
    """Parameters and buffers with the names that `state_dict` gives them."""
    tensors = {}
    for part, attributes in parts.items():
        not_saved = attributes.get("_non_persistent_buffers_set")
        for name, value in (
            _dictionary(attributes.get("_parameters")) | _dictionary(attributes.get("_buffers"))
        ).items():
            if isinstance(value, StoredTensor) and not (isinstance(not_saved, list) and name in not_saved):
                tensors[f"{part}.{name}".lstrip(".")] = value
    return tensors


def _members(value: object) -> Iterator[tuple[str, object]]:
    for name, member in _dictionary(value).items():
        if not isinstance(name, str) or len(name) > MAX_NAME:
            raise Unfit("has parts with impossible names")
        yield name, member


def _dictionary(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _infer_config(parts: Mapping[str, State], shapes: Shapes) -> GeneratorConfig:
    """The configuration that these shapes have, agreeing with the arguments in the file."""
    arguments, mapping, synthesis = _arguments(parts[""])
    w_dim = _dimension(shapes, "mapping.w_avg", 0)
    c_dim = _dimension(shapes, "mapping.embed.weight", 1) if "mapping.embed.weight" in shapes else 0
    resolutions = _resolutions(shapes)
    channel_base, channel_max = _infer_channels(
        {r: _dimension(shapes, f"synthesis.b{r}.conv1.bias", 0) for r in resolutions}, synthesis
    )
    config = GeneratorConfig(
        z_dim=_dimension(shapes, "mapping.fc0.weight", 1) - (w_dim if c_dim else 0),
        c_dim=c_dim,
        w_dim=w_dim,
        img_resolution=resolutions[-1],
        num_mapping_layers=sum(name.startswith("mapping.fc") and name.endswith(".bias") for name in shapes),
        channel_base=channel_base,
        channel_max=channel_max,
        conv_clamp=_find_conv_clamp(parts, synthesis),
    )
    if min(config.z_dim, config.w_dim, config.num_mapping_layers) < 1:
        raise Unfit("has a mapping network without inputs or layers")
    claims = {name: arguments.get(name) for name in ("z_dim", "c_dim", "w_dim", "img_resolution")}
    claims["num_mapping_layers"] = mapping.get("num_layers")
    for name, claim in claims.items():
        if claim is not None and claim != getattr(config, name):
            raise Unfit(f"says {name} = {_short(claim)}, but its tensors have {getattr(config, name)}")
    return config


def _arguments(root: State) -> tuple[State, State, State]:
    """What the file says the generator was made with: its own arguments, the mapping's, the synthesis network's."""
    positional = root.get("_init_args")
    arguments = dict(zip(_ARGUMENT_ORDER, positional if isinstance(positional, tuple) else (), strict=False))
    arguments |= _dictionary(root.get("_init_kwargs"))
    mapping, synthesis = _dictionary(arguments.get("mapping_kwargs")), _dictionary(arguments.get("synthesis_kwargs"))
    for name, value in [*mapping.items(), *synthesis.items()]:
        if name in _FIXED and (list(value) if isinstance(value, tuple) else value) != _FIXED[name]:
            raise Unfit(f"has {name} = {_short(value)}, which is not supported")
    return arguments, mapping, synthesis


def _dimension(shapes: Shapes, name: str, axis: int) -> int:
    shape = shapes.get(name, ())
    if len(shape) <= axis:
        raise Unfit(f"lacks {name!r}")
    return shape[axis]


def _resolutions(shapes: Shapes) -> list[int]:
    """4, 8, … as far as there are blocks; whatever does not fit them is found when the weights are loaded."""
    resolution = 4
    while f"synthesis.b{resolution}.conv1.bias" in shapes:
        resolution *= 2
    return [2**k for k in range(2, resolution.bit_length() - 1)] or [4]


def _infer_channels(channels: Mapping[int, int], synthesis: State) -> tuple[int, int]:
    """channel_base and channel_max that give these channels: as the file says, as is usual, or as the shapes need."""
    given = (synthesis.get("channel_base", _USUAL_CHANNELS[0]), synthesis.get("channel_max", _USUAL_CHANNELS[1]))
    last = max(channels)
    candidates: list[tuple[object, object]] = [given]
    if not synthesis.keys() & {"channel_base", "channel_max"}:
        candidates.append((channels[last] * last, max(channels.values())))
    for base, most in candidates:
        if not isinstance(base, int) or not isinstance(most, int):
            continue
        if all(min(base // r, most) == count for r, count in channels.items()):
            return base, most
    raise Unfit(
        "has numbers of channels that no network has"
        if len(candidates) > 1
        else f"says channel_base = {_short(given[0])}, channel_max = {_short(given[1])}, but its tensors do not"
    )


def _find_conv_clamp(parts: Mapping[str, State], synthesis: State) -> float | None:
    """The clamp that all layers share. No tensor shows it, so layers and arguments have to agree on it."""
    values: list[float | None] = []
    for attributes in [*parts.values(), synthesis]:
        value = attributes.get("conv_clamp")
        if value is not None and not (isinstance(value, int | float) and value > 0):
            raise Unfit(f"has conv_clamp = {_short(value)}, which is not supported")
        if "conv_clamp" in attributes:
            values.append(None if value is None else float(value))
    if any(value != values[0] for value in values):
        raise Unfit("has layers that are clamped differently")
    return values[0] if values else None


def _short(value: object) -> str:
    """A value as a message may show it: numbers and short texts only, whatever a file holds."""
    return f"{value!r:.40}" if isinstance(value, str | int | float | None) else f"a {type(value).__name__}"
