import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest

from engine.errors import NetworkError
from engine.stylegan.store import pickles
from engine.stylegan.store.pickles import Module, StoredTensor, TorchStorage, read_pickle
from tests.engine.stylegan.store.official_files import ORDERED, RECONSTRUCT, STORAGE, TENSOR, Call, Name, pickled, write


def read(tmp_path: Path, data: bytes) -> object:
    path = tmp_path / "file.pkl"
    path.write_bytes(data)
    return read_pickle(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_plain_data(tmp_path: Path, protocol: int) -> None:
    content = {
        "numbers": [0, -1, 255, 65536, 2**40, -(2**70), 1.5, True, False, None],
        "texts": ["", "é", "x" * 300],
        "tuples": ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)),
        "nested": {"a": {"b": [{}]}, 3: "three"},
    }
    assert read(tmp_path, pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_reads_bytes_sets_ordered_dictionaries_and_numpy_numbers(tmp_path: Path, protocol: int) -> None:
    from collections import OrderedDict

    content = [b"abc", {"one"}, set(), OrderedDict(a=1), np.float64(0.25), np.int64(-3), np.float32(0.5)]
    expected = [b"abc", ["one"], [], {"a": 1}, 0.25, -3, 0.5]
    assert read(tmp_path, pickle.dumps(content, protocol)) == expected


def test_reads_bytes_as_python_2_wrote_them(tmp_path: Path) -> None:
    assert read(tmp_path, pickle.dumps([bytes(range(256))], protocol=2)) == [bytes(range(256))]


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_modules_and_tensors_become_records(tmp_path: Path, protocol: int) -> None:
    tensor = Call(TENSOR, (Call(STORAGE, (b"numbers",)), 4, (2, 3), (3, 1), False, ORDERED))
    meta = {"type": "class", "version": 6, "module_src": "exit()", "class_name": "Part", "state": {"weight": tensor}}
    module = read_pickle(write(tmp_path / "file.pkl", Call(RECONSTRUCT, (meta,)), protocol))
    assert module == Module("Part", {"weight": StoredTensor(TorchStorage(b"numbers"), 4, (2, 3), (3, 1))})


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "builtins.eval",
        "builtins.exec",
        "posix.system",
        "torch.load",
        "torch._utils._rebuild_tensor",
        "a.b",
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_unknown_names_are_refused_by_name(tmp_path: Path, name: str, protocol: int) -> None:
    module, _, function = name.rpartition(".")
    path = write(tmp_path / "evil.pkl", [Call(Name(module, function), ("touch /tmp/owned",))], protocol)
    with pytest.raises(NetworkError, match=rf"^evil\.pkl wants to use '{name}', which no network needs"):
        read_pickle(path)


def test_names_from_the_stack_are_refused_too(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"os\.system"):
        read(tmp_path, b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.")


def test_a_real_pickle_that_would_run_a_command_runs_nothing(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "owned"),)

    with pytest.raises(NetworkError, match="mkdir"):
        read(tmp_path, pickle.dumps({"G_ema": Evil()}))
    assert not (tmp_path / "owned").exists()


def test_a_long_hostile_name_is_shown_short_and_harmless(tmp_path: Path) -> None:
    with pytest.raises(NetworkError) as caught:
        read(tmp_path, b"\x80\x04" + pickle.dumps("\x1b[2J\n" * 1000, 4)[2:-1] + b"\x8c\x01x\x93.")
    assert len(str(caught.value)) < 600
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x80\x03", id="no-end"),
        pytest.param(b"\x80\x03.", id="nothing"),
        pytest.param(b"PK\x03\x04 a zip archive", id="zip"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="picture"),
        pytest.param(b"\x80\x03]K\x01s.", id="item-without-key"),
        pytest.param(b"\x80\x03}(K\x01u.", id="odd-items"),
        pytest.param(b"\x80\x03}]K\x01s.", id="list-as-key"),
        pytest.param(b"\x80\x03})\x85\x85K\x01s.", id="tuple-as-key"),
        pytest.param(b"\x80\x03K\x01K\x02a.", id="append-to-number"),
        pytest.param(b"\x80\x03h\x05.", id="unknown-memo"),
        pytest.param(b"\x80\x03u.", id="items-without-mark"),
        pytest.param(b"\x80\x03(\x85.", id="mark-as-value"),
        pytest.param(b"\x80\x03K\x01)R.", id="call-of-a-number"),
        pytest.param(b"\x80\x03}}b.", id="state-for-a-dictionary"),
        pytest.param(b"\x80\x03ccollections\nOrderedDict\n}b.", id="state-for-a-function"),
        pytest.param(b"\x80\x03ccollections\nOrderedDict\nK\x01\x85R.", id="wrong-arguments"),
        pytest.param(b"\x80\x03B\xff\xff\xff\x7fabc.", id="bytes-beyond-the-end"),
        pytest.param(b"\x80\x04\x8e" + b"\xff" * 8 + b"abc.", id="bytes-beyond-any-memory"),
        pytest.param(b"\x80\x03X\x02\x00\x00\x00\xff\xfe.", id="text-not-unicode"),
        pytest.param(b"\x80\x03ctorch._utils\n_rebuild_parameter\nK\x01\x85R.", id="parameter-without-tensor"),
    ],
)
def test_what_is_no_network_file_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NetworkError) as caught:
        read(tmp_path, data)
    message = str(caught.value)
    assert message.startswith("file.pkl ") and message.endswith(".") and "\n" not in message


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02U\x01aQ.",
        b"(ios\nsystem\n.",
        b"\x80\x02(cos\nsystem\no.",
        b"\x80\x02\x82\x01.",
        b"I1\n.",
        b"\x80\x03K\x012.",
    ],
    ids=["persistent-id", "inst", "obj", "extension", "text-integer", "dup"],
)
def test_operations_without_a_use_here_are_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NetworkError, match=r"operation|wants to use"):
        read(tmp_path, data)


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    meta = {"type": "class", "version": 6, "class_name": "Part", "state": {"a": {"set"}, "b": np.float64(1), "c": b"1"}}
    data = pickled(Call(RECONSTRUCT, (meta,)))
    for length in range(len(data)):
        with pytest.raises(NetworkError):
            read(tmp_path, data[:length])


def test_a_huge_memo_index_takes_no_memory(tmp_path: Path) -> None:
    assert read(tmp_path, b"\x80\x03K\x07r\xff\xff\xff\xffj\xff\xff\xff\xff.") == 7


def test_a_deep_tuple_is_no_trouble(tmp_path: Path) -> None:
    value = read(tmp_path, b"\x80\x03)" + b"\x85" * 100_000 + b".")
    assert isinstance(value, tuple)


def test_too_many_open_containers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="nested too deeply"):
        read(tmp_path, b"\x80\x03" + b"(" * 100_000 + b".")


def test_endless_operations_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickles, "MAX_OPERATIONS", 1_000)
    with pytest.raises(NetworkError, match="far more parts"):
        read(tmp_path, b"\x80\x03]" + b"Na" * 1_000 + b".")


def test_text_cannot_unfold_to_bytes_again_and_again(tmp_path: Path) -> None:
    text = b"X" + struct.pack("<I", 1_000) + b"x" * 1_000 + b"q\x00"
    encode = b"c_codecs\nencode\nh\x00X\x06\x00\x00\x00latin1\x86R"
    with pytest.raises(NetworkError, match="unfolds"):
        read(tmp_path, b"\x80\x02]" + text + b"a" + (encode + b"a") * 100 + b".")


def test_a_file_beyond_the_bound_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.pkl"
    with path.open("wb") as file:
        file.truncate(pickles.MAX_BYTES + 1)
    with pytest.raises(NetworkError, match="larger than 2 GB"):
        read_pickle(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.pkl", tmp_path):
        with pytest.raises(NetworkError, match=path.name):
            read_pickle(path)
