import random
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import NetworkError
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.official import read_official
from tests.engine.stylegan.store.official_files import (
    SMALL,
    STORAGE,
    Call,
    Name,
    module,
    official,
    pickled,
    stored,
    write,
)
from tests.shared import SHARED, needs_shared


@pytest.fixture(scope="module")
def small() -> Generator:
    return make(SMALL)


def make(config: GeneratorConfig) -> Generator:
    torch.manual_seed(0)
    return Generator(config).requires_grad_(False)


def assert_same(generator: Generator, original: Generator) -> None:
    assert generator.config == original.config
    state = generator.state_dict()
    assert state.keys() == original.state_dict().keys()
    for name, tensor in original.state_dict().items():
        assert torch.equal(state[name], tensor), name


@needs_shared
def test_reads_an_official_container() -> None:
    generator = read_official(SHARED / "parity" / "tiny32.pkl")
    expected = load_file(SHARED / "parity" / "tiny32.expected.safetensors")
    ws = generator.mapping(expected["z"])
    assert float((ws - expected["ws"]).abs().max()) <= 1e-5
    assert float((generator.synthesis(expected["ws"]) - expected["img_const"]).abs().max()) <= 1e-4


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("every_argument", [False, True])
def test_reads_files_with_all_arguments_and_with_the_given_only(
    tmp_path: Path, small: Generator, protocol: int, every_argument: bool
) -> None:
    path = write(tmp_path / "small.pkl", official(small, every_argument=every_argument), protocol)
    assert_same(read_official(path), small)


@pytest.mark.parametrize(
    "changes",
    [
        {"c_dim": 5},
        {"conv_clamp": None},
        {"img_resolution": 4, "channel_base": 64},
        {"num_mapping_layers": 1},
        {"channel_base": 4096},  # so many that channel_max holds everywhere
    ],
    ids=str,
)
def test_infers_other_configurations(tmp_path: Path, changes: dict[str, int | None]) -> None:
    generator = make(replace(SMALL, **changes))  # type: ignore[arg-type]
    assert_same(read_official(write(tmp_path / "other.pkl", official(generator))), generator)


def test_infers_the_channels_where_no_argument_gives_them(tmp_path: Path, small: Generator) -> None:
    content = official(small)
    content["G_ema"].arguments[0]["state"]["_init_kwargs"] = {}
    assert_same(read_official(write(tmp_path / "small.pkl", content)), small)


def test_takes_half_precision_as_float32(tmp_path: Path, small: Generator) -> None:
    halved = stored(small.mapping.w_avg.half())
    generator = read_official(write(tmp_path / "small.pkl", official(small, {"mapping.w_avg": halved})))
    assert generator.mapping.w_avg.dtype == torch.float32


def test_takes_a_transposed_view_of_a_larger_storage(tmp_path: Path, small: Generator) -> None:
    weight = small.mapping.get_submodule("fc1").weight
    assert isinstance(weight, Tensor)
    shifted = torch.cat([torch.zeros(5), weight.t().flatten()])
    view = stored(shifted, offset=5, size=(12, 12), stride=(1, 12))
    assert_same(read_official(write(tmp_path / "small.pkl", official(small, {"mapping.fc1.weight": view}))), small)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"z_dim": 9}, "says z_dim = 9, but its tensors have 8"),
        ({"w_dim": 512}, "says w_dim = 512"),
        ({"img_resolution": 32}, "says img_resolution = 32"),
        ({"num_layers": 8}, "says num_mapping_layers = 8"),
        ({"channel_base": 128}, "says channel_base = 128"),
        ({"channel_base": "many"}, "says channel_base = 'many'"),
        ({"architecture": "resnet"}, "has architecture = 'resnet'"),
        ({"resample_filter": [1, 1]}, "has resample_filter = a list"),
        ({"lr_multiplier": 1.0}, "has lr_multiplier = 1.0"),
        ({"conv_clamp": 8.0}, "clamped differently"),
        ({"conv_clamp": []}, "has conv_clamp = a list"),
        ({"mapping.w_avg": None}, "lacks 'mapping.w_avg'"),
        ({"mapping.fc0.bias": None}, "lacks 'mapping.fc0.bias'|num_mapping_layers"),
        ({"synthesis.b8.conv0.weight": None}, "lacks 'synthesis.b8.conv0.weight'"),
        ({"synthesis.b4.conv1.bias": None}, "lacks 'synthesis.b4.conv1.bias'"),
        ({"synthesis.b16.extra": torch.ones(2)}, "has 'synthesis.b16.extra', which"),
        ({"synthesis.b8.conv0.weight": torch.ones(8, 16, 1, 1)}, r"has 'synthesis.b8.conv0.weight' of shape \[8, 16"),
        ({"synthesis.b4.const": torch.full((16, 4, 4), torch.nan)}, "not finite"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(tmp_path: Path, small: Generator, changes: dict[str, object], words: str) -> None:
    changes = {name: stored(value) if isinstance(value, Tensor) else value for name, value in changes.items()}
    path = write(tmp_path / "odd.pkl", official(small, changes, every_argument=True))
    with pytest.raises(NetworkError, match=words) as caught:
        read_official(path)
    assert str(caught.value).startswith("odd.pkl ") and str(caught.value).endswith(".")


@pytest.mark.parametrize(
    "view",
    [
        {"offset": 1},
        {"offset": -1},
        {"stride": (2,)},
        {"stride": (-1,)},
        {"stride": (0,), "size": (10**12,)},
        {"size": (10**30,)},
        {"size": (-12,)},
        {"size": (0,)},
        {"size": (12.0,)},
        {"size": (3, 4)},
        {"size": ((12,),)},
    ],
    ids=str,
)
def test_views_beyond_their_storage_are_refused(tmp_path: Path, small: Generator, view: dict[str, object]) -> None:
    path = write(tmp_path / "odd.pkl", official(small, {"mapping.w_avg": stored(torch.ones(12), **view)}))
    with pytest.raises(NetworkError, match=r"'mapping\.w_avg'"):
        read_official(path)


def hostile_streams() -> dict[str, bytes]:
    call = stored(torch.ones(12)).arguments[0]
    assert isinstance(call, Call) and call.function == STORAGE
    stream: bytes = call.arguments[0]
    return {
        "empty": b"",
        "zip": b"PK\x03\x04",
        "plain pickle": pickled([1.0] * 12),
        "cut": stream[:-1],
        "cut early": stream[:60],
        "huge claim": stream.replace(b"K\x0cNt", b"\x8a\x06\x00\x00\x00\x00\x00\x7fNt"),
        "integers": stream.replace(b"FloatStorage", b"IntStorage"),
        "a command": stream.replace(b"ctorch\nFloatStorage\n", b"cposix\nsystem\n"),
    }


@pytest.mark.parametrize("kind", hostile_streams())
def test_storages_that_are_none_are_refused(tmp_path: Path, small: Generator, kind: str) -> None:
    tensor = stored(torch.ones(12), data=hostile_streams()[kind])
    path = write(tmp_path / "odd.pkl", official(small, {"mapping.w_avg": tensor}))
    with pytest.raises(NetworkError, match=r"has (numbers|something else than numbers) in 'mapping\.w_avg'"):
        read_official(path)


@pytest.mark.parametrize(
    "content", [None, [], {}, {"G_ema": None}, {"G_ema": {"state": {}}}, {"G": module("Generator")}]
)
def test_a_file_without_a_generator_is_refused(tmp_path: Path, content: object) -> None:
    with pytest.raises(NetworkError, match="holds no generator"):
        read_official(write(tmp_path / "odd.pkl", content))


def test_a_module_within_itself_is_refused(tmp_path: Path) -> None:
    state: dict[str, object] = {}
    root, child = module("Part"), module("Part")
    root.arguments[0]["state"] = child.arguments[0]["state"] = state
    state["_modules"] = {"a": child}
    with pytest.raises(NetworkError, match="far more parts"):
        read_official(write(tmp_path / "odd.pkl", {"G_ema": root}))


def test_the_same_numbers_under_many_names_are_refused(tmp_path: Path, small: Generator) -> None:
    content = official(small)
    one = stored(torch.ones(50_000))
    content["G_ema"].arguments[0]["state"]["_buffers"] = {f"copy{i}": one for i in range(100)}
    with pytest.raises(NetworkError, match="same numbers under many names"):
        read_official(write(tmp_path / "odd.pkl", content))


@pytest.mark.parametrize("name", ["x" * 1000, 7])
def test_parts_with_impossible_names_are_refused(tmp_path: Path, name: object) -> None:
    root = module("Part", _modules={name: module("Part")})
    with pytest.raises(NetworkError, match="impossible names"):
        read_official(write(tmp_path / "odd.pkl", {"G_ema": root}))


def test_damage_anywhere_ends_in_a_generator_or_one_sentence(tmp_path: Path, small: Generator) -> None:
    data = pickled(official(small))
    path = tmp_path / "damaged.pkl"
    generator = random.Random(1)
    for _ in range(80):
        damaged = bytearray(data)
        for _ in range(generator.choice([1, 3, 30])):
            damaged[generator.randrange(len(data))] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            read_official(path)
        except NetworkError as error:
            assert str(error).startswith("damaged.pkl ")


@pytest.mark.parametrize("new", [True, False], ids=["zip", "before 1.6"])
def test_a_checkpoint_of_pytorch_is_told_from_a_network(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "550000.pt"
    torch.save({"g_ema": {"input.input": torch.zeros(1)}}, path, _use_new_zipfile_serialization=new)
    with pytest.raises(NetworkError, match=r"rosinality.*look for .*stylegan2-ada-pytorch"):
        read_official(path)


def test_a_network_of_tensorflow_is_named(tmp_path: Path) -> None:
    network = Call(Name("dnnlib.tflib.network", "Network"))
    with pytest.raises(NetworkError, match=r"TensorFlow.*look for .*stylegan2-ada-pytorch"):
        read_official(write(tmp_path / "tf.pkl", (network, network, network)))


def test_a_network_of_stylegan3_is_named(tmp_path: Path) -> None:
    empty: dict[str, object] = {"_parameters": {}, "_buffers": {}, "_modules": {}}
    synthesis = module("SynthesisNetwork", **empty | {"_modules": {"input": module("SynthesisInput", **empty)}})
    generator = module("Generator", **empty | {"_modules": {"synthesis": synthesis}})
    with pytest.raises(NetworkError, match=r"StyleGAN3.*look for .*stylegan2-ada-pytorch"):
        read_official(write(tmp_path / "r.pkl", {"G_ema": generator}))
