import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.errors import NetworkError
from engine.messages import Species
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator
from engine.stylegan.store import STORYBOOK, NetworkRecord, NetworkStore, load_embedded, network_files, write_network
from engine.stylegan.store.statistics import describe, measure
from engine.vision.alignment import FaceTemplate
from tests.engine.stylegan.store.official_files import SMALL, official, write
from tests.shared import SHARED, needs_shared


@pytest.fixture
def store(tmp_path: Path) -> NetworkStore:
    """Of an empty data folder, without an embedded network."""
    return NetworkStore(tmp_path, tmp_path / "embedded")


@pytest.fixture
def small() -> Generator:
    torch.manual_seed(0)
    return Generator(SMALL).eval().requires_grad_(False)


@pytest.fixture
def file(tmp_path: Path, small: Generator) -> Path:
    return write(tmp_path / "small.pkl", official(small))


@pytest.fixture
def storybook(store: NetworkStore, small: Generator) -> Path:
    directory = store.embedded
    directory.mkdir()
    record = NetworkRecord("storybook", FaceTemplate.STORYBOOK, tuple(Species), "MIT", "drawn", small.config)
    write_network(directory, record, small, dtype=torch.float16)
    return directory


@needs_shared
def test_an_imported_network_gives_the_official_numbers(store: NetworkStore) -> None:
    store.import_official(SHARED / "parity" / "tiny32.pkl", "tiny32")
    network = store.load("tiny32")
    expected = load_file(SHARED / "parity" / "tiny32.expected.safetensors")
    assert float((network.generator.mapping(expected["z"]) - expected["ws"]).abs().max()) <= 1e-5
    assert float((network.generator.synthesis(expected["ws"]) - expected["img_const"]).abs().max()) <= 1e-4


def test_import_keeps_everything(store: NetworkStore, file: Path, small: Generator) -> None:
    store.import_official(
        file, "mine", convention=FaceTemplate.AFHQ, species=[Species.CAT], licence="own", source="a friend"
    )

    network = store.load("mine")
    assert network.generator.config == SMALL
    assert network.template is FaceTemplate.AFHQ
    assert network.species == (Species.CAT,)
    assert network.directory == store.home / "networks" / "mine"
    for name, tensor in small.state_dict().items():
        assert torch.equal(network.generator.state_dict()[name], tensor), name
    assert not any(parameter.requires_grad for parameter in network.generator.parameters())
    record = store.record("mine")
    assert (record.licence, record.source) == ("own", "a friend")
    assert sorted(record.sha256) == ["mine.safetensors", "mine.statistics.safetensors"]
    store.verify("mine")
    assert store.names() == ["mine"]
    assert [path.name for path in (store.home / "networks").iterdir()] == ["mine"]


def test_an_import_that_fails_leaves_nothing(store: NetworkStore, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(NetworkError, match="cut off"):
        store.import_official(file, "mine")
    assert not (store.home / "networks").exists()


def test_an_import_without_room_leaves_nothing(
    store: NetworkStore, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(network_files, "save_file", full)
    with pytest.raises(NetworkError, match="No space left"):
        store.import_official(file, "mine")
    assert list((store.home / "networks").iterdir()) == []


def test_a_second_import_under_the_same_name_is_refused(store: NetworkStore, file: Path) -> None:
    store.import_official(file, "mine")
    with pytest.raises(NetworkError, match="already"):
        store.import_official(file, "mine")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "A", "a b", "x" * 65, "é"])
def test_names_that_are_no_folder_are_refused(store: NetworkStore, file: Path, name: str) -> None:
    for act in (lambda: store.import_official(file, name), lambda: store.load(name), lambda: store.remove(name)):
        with pytest.raises(NetworkError, match="cannot be a network's name"):
            act()


def test_storybook_is_embedded(store: NetworkStore, storybook: Path, file: Path) -> None:
    network = store.load("storybook")
    assert network.directory == storybook
    assert network.template is FaceTemplate.STORYBOOK
    assert all(parameter.dtype == torch.float32 for parameter in network.generator.parameters())
    with pytest.raises(NetworkError, match="cannot be removed"):
        store.remove("storybook")
    with pytest.raises(NetworkError, match="already"):
        store.import_official(file, "storybook")


def test_the_embedded_network_is_as_it_was_stored(tmp_path: Path) -> None:
    NetworkStore(tmp_path).verify(STORYBOOK)
    network = load_embedded()
    assert network.template is FaceTemplate.STORYBOOK
    assert set(network.species) == set(Species)


def test_the_photographic_network_of_the_species_is_chosen(store: NetworkStore, storybook: Path, file: Path) -> None:
    store.import_official(file, "cats", species=[Species.CAT])
    store.import_official(file, "wild")
    assert store.names() == ["storybook", "cats", "wild"]
    assert store.choose(Species.CAT) == "cats"
    assert store.choose(Species.DOG) == "storybook"
    assert store.choose(None) == "storybook"
    assert store.choose(Species.DOG, "wild") == "wild"
    with pytest.raises(NetworkError, match="no network 'dogs' here; there is: storybook, cats, wild"):
        store.choose(Species.DOG, "dogs")


def test_a_damaged_record_is_passed_over(store: NetworkStore, storybook: Path, file: Path) -> None:
    store.import_official(file, "cats", species=[Species.CAT])
    (store.directory_of("cats") / "cats.json").write_text("{")
    assert store.choose(Species.CAT) == "storybook"
    with pytest.raises(NetworkError, match="record of the network cats is damaged"):
        store.load("cats")


@pytest.mark.parametrize("part", ["cats.safetensors", "cats.statistics.safetensors"])
def test_changed_files_are_found(store: NetworkStore, file: Path, part: str) -> None:
    store.import_official(file, "cats")
    path = store.directory_of("cats") / part
    data = path.read_bytes()

    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(NetworkError, match=rf"{part} of the network cats has changed"):
        store.verify("cats")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(NetworkError, match="files of the network cats are damaged"):
        store.load("cats")


def test_an_encoder_of_another_network_is_refused(store: NetworkStore, file: Path) -> None:
    store.import_official(file, "cats")
    for layers in (1, SMALL.num_ws, SMALL.num_ws + 1):
        encoder = Encoder(SMALL.w_dim, layers)
        save_file(encoder.state_dict(), store.directory_of("cats") / "cats.encoder.safetensors")
        if layers <= SMALL.num_ws:
            kept = store.load("cats").encoder
            assert kept is not None and kept.layers == layers
        else:
            with pytest.raises(NetworkError, match="files of the network cats are damaged"):
                store.load("cats")


def test_missing_files_are_named(store: NetworkStore, file: Path) -> None:
    store.import_official(file, "cats")
    (store.directory_of("cats") / "cats.safetensors").unlink()
    with pytest.raises(NetworkError, match=r"lacks its file cats\.safetensors"):
        store.verify("cats")
    with pytest.raises(NetworkError, match="damaged"):
        store.load("cats")


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"species": ["horse"]}, {"convention": "upside down"}, {"generator": {"depth": 3}}, {"sha256": 7}],
    ids=str,
)
def test_a_record_that_makes_no_sense_is_refused(store: NetworkStore, file: Path, change: dict[str, object]) -> None:
    store.import_official(file, "cats")
    path = store.directory_of("cats") / "cats.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(NetworkError, match="cats"):
        store.record("cats")


def test_removed_is_gone(store: NetworkStore, file: Path) -> None:
    store.import_official(file, "cats")
    store.remove("cats")
    assert store.names() == []
    assert not store.directory_of("cats").exists()
    with pytest.raises(NetworkError, match="no network 'cats'"):
        store.remove("cats")


def test_statistics_are_those_of_the_mapping(small: Generator) -> None:
    statistics = measure(small, samples=4_000)
    w = small.mapping(torch.randn(4_000, SMALL.z_dim))[:, 0]
    again = measure(small, samples=4_000)

    assert torch.equal(statistics.mean, again.mean)
    torch.testing.assert_close(statistics.mean, w.mean(0), atol=0.15 * float(w.std()), rtol=0)
    torch.testing.assert_close(statistics.std, w.std(0), atol=0, rtol=0.15)
    assert statistics.spread == pytest.approx(float((w - w.mean(0)).square().sum(1).mean().sqrt()), rel=0.05)


def test_principal_components_of_known_numbers() -> None:
    w = torch.randn(20_000, 3) * torch.tensor([0.5, 3.0, 1.0]) + torch.tensor([1.0, 2.0, 3.0])
    statistics = describe(w)
    torch.testing.assert_close(statistics.deviations, torch.tensor([3.0, 1.0, 0.5]), atol=0, rtol=0.05)
    torch.testing.assert_close(statistics.components.abs(), torch.eye(3)[[1, 2, 0]], atol=0.05, rtol=0)


def test_statistics_are_measured_when_the_file_is_absent(store: NetworkStore, file: Path) -> None:
    store.import_official(file, "cats")
    stored = store.load("cats").statistics
    (store.directory_of("cats") / "cats.statistics.safetensors").unlink()
    torch.testing.assert_close(store.load("cats").statistics.mean, stored.mean)
