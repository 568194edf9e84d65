import json
from dataclasses import replace
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
import torch
from torchvision.models import vgg16

from engine.errors import NetworkError
from engine.messages import Species
from engine.stylegan.generator import Generator
from engine.stylegan.perceptual import load_extractor, vgg16_file
from engine.stylegan.store import NetworkStore
from engine.stylegan.store.download import Checksum
from engine.stylegan.store.pulling import NETWORKS, PUBLISHED, find_published, pull
from engine.vision.alignment import FaceTemplate
from tests.engine.stylegan.store.file_server import serve
from tests.engine.stylegan.store.official_files import SMALL, official, pickled

CAT = find_published("afhqcat")
VGG16 = find_published("vgg16")


@pytest.fixture
def store(tmp_path: Path) -> NetworkStore:
    """Of an empty data folder, without an embedded network."""
    return NetworkStore(tmp_path, tmp_path / "embedded")


def network_file(seed: int = 0) -> bytes:
    torch.manual_seed(seed)
    return pickled(official(Generator(SMALL).requires_grad_(False)))


def left_over(store: NetworkStore) -> list[str]:
    return sorted(path.name for path in (store.home / "networks" / ".downloads").iterdir())


def test_a_pulled_network_is_converted_and_only_that_stays(store: NetworkStore) -> None:
    data = network_file()
    with serve(data, drop_after=[1_000, 2_000]) as server:
        directory = pull(store, CAT, address=server.address, wait=lambda _: None)
        address = server.address

    assert directory == store.home / "networks" / "afhqcat"
    assert left_over(store) == ["sha256.json"]
    record = store.record("afhqcat")
    assert record.species == (Species.CAT,)
    assert record.convention is FaceTemplate.AFHQ
    assert "non-commercial" in record.licence and "CC BY-NC 4.0" in record.licence
    assert record.source == f"{address}afhqcat.pkl, sha256 {sha256(data).hexdigest()}"
    assert store.load("afhqcat").generator.config == SMALL


def test_a_network_that_is_here_is_not_fetched_again(store: NetworkStore) -> None:
    with serve(network_file()) as server:
        pull(store, CAT, address=server.address)
        with pytest.raises(NetworkError, match="here already"):
            pull(store, CAT, address=server.address)
        assert len(server.requests) == 1


def test_the_published_checksum_is_kept_to(store: NetworkStore) -> None:
    with serve(network_file()) as server, pytest.raises(NetworkError, match="8fa2162d23fe76012bec12b1910b4e65"):
        pull(store, find_published("afhqdog"), address=server.address)
    assert store.names() == []
    assert left_over(store) == []


def test_the_checksum_of_the_first_download_is_kept_to_where_none_is_published(store: NetworkStore) -> None:
    data = network_file()
    with serve(data) as server:
        pull(store, CAT, address=server.address)
        store.remove("afhqcat")
    with serve(network_file(seed=1)) as server, pytest.raises(NetworkError, match="is not the file it should be"):
        pull(store, CAT, address=server.address)
    with serve(data) as server:
        pull(store, CAT, address=server.address)
    assert store.names() == ["afhqcat"]


def test_what_is_no_network_is_neither_kept_nor_remembered(store: NetworkStore) -> None:
    with serve(b"<html>Please log in</html>") as server, pytest.raises(NetworkError, match=r"afhqcat\.pkl"):
        pull(store, CAT, address=server.address)
    assert store.names() == []
    assert left_over(store) == []


def test_a_folder_that_cannot_be_written_is_named(store: NetworkStore) -> None:
    (store.home / "networks").write_text("not a folder")
    with serve(network_file()) as server, pytest.raises(NetworkError, match="cannot be written"):
        pull(store, CAT, address=server.address)


def test_damaged_memories_are_no_obstacle(store: NetworkStore) -> None:
    (store.home / "networks" / ".downloads").mkdir(parents=True)
    (store.home / "networks" / ".downloads" / "sha256.json").write_text("{")
    data = network_file()
    with serve(data) as server:
        pull(store, CAT, address=server.address)
    seen = json.loads((store.home / "networks" / ".downloads" / "sha256.json").read_text())
    assert seen == {"afhqcat.pkl": sha256(data).hexdigest()}


def vgg16_weights() -> bytes:
    with torch.device("meta"):
        meta = vgg16().features.state_dict(prefix="features.")
    state = {name: torch.zeros(tensor.shape) for name, tensor in meta.items()}
    file = BytesIO()
    torch.save(state | {"classifier.0.weight": torch.zeros(8, 8)}, file)
    return file.getvalue()


def test_vgg16_is_checked_cut_down_and_used(store: NetworkStore) -> None:
    data = vgg16_weights()
    published = replace(VGG16, checksum=Checksum(sha256=sha256(data).hexdigest()))
    assert load_extractor(store.home).name == "efficientnet-lite0"
    with serve(data) as server:
        pull(store, published, address=server.address)
    assert load_extractor(store.home).name == "vgg16"
    assert [path.name for path in vgg16_file(store.home).parent.iterdir()] == ["vgg16.safetensors"]
    with pytest.raises(NetworkError, match="here already"):
        pull(store, published)


def test_other_weights_than_vgg16s_are_refused(store: NetworkStore) -> None:
    data = b"none of it"
    published = replace(VGG16, checksum=Checksum(sha256=sha256(data).hexdigest()))
    with serve(data) as server, pytest.raises(NetworkError, match="does not hold the weights of VGG16"):
        pull(store, published, address=server.address)
    with serve(data) as server, pytest.raises(NetworkError, match="is not the file it should be"):
        pull(store, VGG16, address=server.address)
    assert not vgg16_file(store.home).exists()


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_licence_is_told_with_its_address(name: str) -> None:
    published = find_published(name)
    assert (
        name in published.notice
        and "https://" in published.notice
        and "non-commercial" in (published.notice + published.licence)
    )
    assert published.address.startswith("https://")


def test_vgg16_is_the_file_that_torchvision_names_by_its_checksum() -> None:
    assert VGG16.file == f"vgg16-{VGG16.checksum.sha256[:8]}.pth"


def test_each_species_has_a_network() -> None:
    assert {species for network in NETWORKS for species in network.species} == set(Species)
