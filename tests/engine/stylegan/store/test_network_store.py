import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from engine.messages import Species
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator
from engine.stylegan.store import network_store
from engine.stylegan.store.errors import NetworkError
from engine.stylegan.store.network_store import (
    available_networks,
    choose_network,
    import_official,
    load_network,
    read_record,
    remove_network,
    verify_network,
    write_network,
)
from engine.stylegan.store.statistics import describe, measure
from engine.vision.alignment import FaceTemplate
from tests.engine.stylegan.store.official_files import SMALL, official, write
from tests.shared import SHARED, needs_shared


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THROWBACK_HOME", str(tmp_path))
    monkeypatch.setattr(network_store, "EMBEDDED", tmp_path / "embedded")
    return tmp_path


@pytest.fixture
def small() -> Generator:
    torch.manual_seed(0)
    return Generator(SMALL).eval().requires_grad_(False)


@pytest.fixture
def file(home: Path, small: Generator) -> Path:
    return write(home / "small.pkl", official(small))


@pytest.fixture
def storybook(home: Path, small: Generator) -> Path:
    directory = home / "embedded"
    directory.mkdir()
    write_network(
        directory,
        small,
        name="storybook",
        convention=FaceTemplate.STORYBOOK,
        species=Species,
        licence="MIT",
        source="drawn",
        dtype=torch.float16,
    )
    return directory


@needs_shared
def test_an_imported_network_gives_the_official_numbers(home: Path) -> None:
    import_official(SHARED / "parity" / "tiny32.pkl", "tiny32")
    network = load_network("tiny32")
    expected = load_file(SHARED / "parity" / "tiny32.expected.safetensors")
    assert float((network.generator.mapping(expected["z"]) - expected["ws"]).abs().max()) <= 1e-5
    assert float((network.generator.synthesis(expected["ws"]) - expected["img_const"]).abs().max()) <= 1e-4


def test_import_keeps_everything(home: Path, file: Path, small: Generator) -> None:
    import_official(file, "mine", convention=FaceTemplate.AFHQ, species=[Species.CAT], licence="own", source="a friend")

    network = load_network("mine")
    assert network.generator.config == SMALL
    assert network.convention is FaceTemplate.AFHQ
    assert network.species == (Species.CAT,)
    assert network.directory == home / "networks" / "mine"
    for name, tensor in small.state_dict().items():
        assert torch.equal(network.generator.state_dict()[name], tensor), name
    assert not any(parameter.requires_grad for parameter in network.generator.parameters())
    record = read_record("mine")
    assert (record.licence, record.source) == ("own", "a friend")
    assert sorted(record.sha256) == ["mine.safetensors", "mine.statistics.safetensors"]
    verify_network("mine")
    assert available_networks() == ["mine"]
    assert [path.name for path in (home / "networks").iterdir()] == ["mine"]


def test_an_import_that_fails_leaves_nothing(home: Path, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(NetworkError, match="cut off"):
        import_official(file, "mine")
    assert not (home / "networks").exists()


def test_an_import_without_room_leaves_nothing(home: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(network_store, "save_file", full)
    with pytest.raises(NetworkError, match="No space left"):
        import_official(file, "mine")
    assert list((home / "networks").iterdir()) == []


def test_a_second_import_under_the_same_name_is_refused(home: Path, file: Path) -> None:
    import_official(file, "mine")
    with pytest.raises(NetworkError, match="already"):
        import_official(file, "mine")


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "A", "a b", "x" * 65, "é"])
def test_names_that_are_no_folder_are_refused(home: Path, file: Path, name: str) -> None:
    for act in (lambda: import_official(file, name), lambda: load_network(name), lambda: remove_network(name)):
        with pytest.raises(NetworkError, match="cannot be a network's name"):
            act()


def test_storybook_is_embedded(storybook: Path, file: Path) -> None:
    network = load_network("storybook")
    assert network.directory == storybook
    assert network.convention is FaceTemplate.STORYBOOK
    assert all(parameter.dtype == torch.float32 for parameter in network.generator.parameters())
    with pytest.raises(NetworkError, match="cannot be removed"):
        remove_network("storybook")
    with pytest.raises(NetworkError, match="already"):
        import_official(file, "storybook")


def test_the_embedded_network_is_as_it_was_stored() -> None:
    verify_network("storybook")
    network = load_network("storybook")
    assert network.convention is FaceTemplate.STORYBOOK
    assert set(network.species) == set(Species)


def test_the_photographic_network_of_the_species_is_chosen(storybook: Path, file: Path) -> None:
    import_official(file, "cats", species=[Species.CAT])
    import_official(file, "wild")
    assert available_networks() == ["storybook", "cats", "wild"]
    assert choose_network(Species.CAT) == "cats"
    assert choose_network(Species.DOG) == "storybook"
    assert choose_network(None) == "storybook"
    assert choose_network(Species.DOG, "wild") == "wild"
    with pytest.raises(NetworkError, match="no network 'dogs' here; there is: storybook, cats, wild"):
        choose_network(Species.DOG, "dogs")


def test_a_damaged_record_is_passed_over(storybook: Path, file: Path) -> None:
    import_official(file, "cats", species=[Species.CAT])
    (network_store.directory_of("cats") / "cats.json").write_text("{")
    assert choose_network(Species.CAT) == "storybook"
    with pytest.raises(NetworkError, match="record of the network cats is damaged"):
        load_network("cats")


@pytest.mark.parametrize("part", ["cats.safetensors", "cats.statistics.safetensors"])
def test_changed_files_are_found(home: Path, file: Path, part: str) -> None:
    import_official(file, "cats")
    path = network_store.directory_of("cats") / part
    data = path.read_bytes()

    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(NetworkError, match=rf"{part} of the network cats has changed"):
        verify_network("cats")
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(NetworkError, match="files of the network cats are damaged"):
        load_network("cats")


def test_an_encoder_of_another_network_is_refused(home: Path, file: Path) -> None:
    import_official(file, "cats")
    for layers in (1, SMALL.num_ws, SMALL.num_ws + 1):
        encoder = Encoder(SMALL.w_dim, layers)
        save_file(encoder.state_dict(), network_store.directory_of("cats") / "cats.encoder.safetensors")
        if layers <= SMALL.num_ws:
            kept = load_network("cats").encoder
            assert kept is not None and kept.layers == layers
        else:
            with pytest.raises(NetworkError, match="files of the network cats are damaged"):
                load_network("cats")


def test_missing_files_are_named(home: Path, file: Path) -> None:
    import_official(file, "cats")
    (network_store.directory_of("cats") / "cats.safetensors").unlink()
    with pytest.raises(NetworkError, match=r"lacks its file cats\.safetensors"):
        verify_network("cats")
    with pytest.raises(NetworkError, match="damaged"):
        load_network("cats")


@pytest.mark.parametrize(
    "change",
    [{"format": 2}, {"species": ["horse"]}, {"convention": "upside down"}, {"generator": {"depth": 3}}, {"sha256": 7}],
    ids=str,
)
def test_a_record_that_makes_no_sense_is_refused(home: Path, file: Path, change: dict[str, object]) -> None:
    import_official(file, "cats")
    path = network_store.directory_of("cats") / "cats.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(NetworkError, match="cats"):
        read_record("cats")


def test_removed_is_gone(home: Path, file: Path) -> None:
    import_official(file, "cats")
    remove_network("cats")
    assert available_networks() == []
    assert not network_store.directory_of("cats").exists()
    with pytest.raises(NetworkError, match="no network 'cats'"):
        remove_network("cats")


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


def test_statistics_are_measured_when_the_file_is_absent(home: Path, file: Path) -> None:
    import_official(file, "cats")
    stored = load_network("cats").statistics
    (network_store.directory_of("cats") / "cats.statistics.safetensors").unlink()
    torch.testing.assert_close(load_network("cats").statistics.mean, stored.mean)
