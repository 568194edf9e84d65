"""Training on a folder of annotated photos made here: drawn pets, saved as if they were photographed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.inversion import ENCODER_INITIALISED
from engine.lab.annotations import training_faces, usable_faces
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import render
from engine.lab.storybook import storybook_model
from engine.lab.storybook.comparison import compare
from engine.lab.storybook.export import export
from engine.lab.storybook.face_dataset import open_dataset
from engine.lab.storybook.storybook_model import load_model, network_config
from engine.lab.storybook.training import Trainer, TrainingOptions
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store import EMBEDDED, load_embedded
from tests.engine.lab.drawn_photos import write_photos

BREEDS = ["samoyed", "beagle", "siamese", "pug", "tabby", "poodle"]
SHORT = TrainingOptions(resolution=32, pictures=24, drawn_per_step=2, photos_per_step=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Annotated photos of six pets."""
    folder = tmp_path_factory.mktemp("marked")
    write_photos(folder, BREEDS)
    return folder


def test_faces_are_aligned_with_their_eyes_where_the_network_expects_them(folder: Path) -> None:
    dataset = open_dataset(list(usable_faces(folder)), 64)
    assert dataset.faces.shape == (len(BREEDS), 3, 64, 64)
    drawn = render(sample_pets(BREEDS, torch.Generator().manual_seed(0)), 64)  # as drawn_photos writes them
    assert (dataset.pictures(torch.arange(len(BREEDS))) - drawn).abs().mean() < 0.05
    assert dataset.classes.tolist() == [3 * (name in ("siamese", "tabby")) for name in BREEDS]


def test_a_photo_of_unrecorded_licence_is_never_trained_on(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        text = file.read_bytes()
        (tmp_path / file.name).write_bytes(
            text.replace(b"CC0", b"Wikimedia Commons") if file.suffix == ".tsv" else text
        )
    assert len(list(usable_faces(tmp_path))) == len(BREEDS)
    assert training_faces(tmp_path) == []


@pytest.mark.heavy
def test_training_leaves_a_checkpoint_goes_on_from_it_and_grows(folder: Path, tmp_path: Path) -> None:
    first, grown = tmp_path / "first", tmp_path / "grown"
    Trainer([folder], first, SHORT, None).run()
    Trainer([folder], first, SHORT, None).run()
    assert json.loads((first / "training.json").read_text())["seen"] == 2 * SHORT.pictures
    larger = TrainingOptions(resolution=64, pictures=0)
    Trainer([folder], grown, larger, first).run()
    small, large = load_model(first), load_model(grown)
    w = small.generator.mapping.w_avg.expand(1, 1, -1)
    coarse = large.generator.synthesis(w.expand(-1, large.generator.config.num_ws, -1), resolution=32)
    torch.testing.assert_close(coarse, small.generator.synthesis(w.expand(-1, small.generator.config.num_ws, -1)))
    torch.testing.assert_close(large.residuals[:, :, :8], small.residuals)
    torch.testing.assert_close(large.residuals[:, :, 8:], small.residuals[:, :, -1:].expand(-1, -1, 2, -1))


@pytest.mark.heavy
def test_a_network_that_becomes_wider_begins_by_drawing_the_same(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        narrow = replace(network_config(SHORT.resolution), channel_base=1024)
        earlier.setattr(storybook_model, "network_config", lambda _: narrow)
        Trainer([folder], tmp_path / "narrow", SHORT, None).run()
        ws = torch.randn(2, narrow.num_ws, narrow.w_dim, generator=torch.Generator().manual_seed(0))
        expected = load_model(tmp_path / "narrow").average.synthesis(ws)
    Trainer([folder], tmp_path / "wide", replace(SHORT, pictures=0), tmp_path / "narrow").run()
    model = load_model(tmp_path / "wide")
    assert model.average.config.channels(32) > narrow.channels(32)
    torch.testing.assert_close(model.average.synthesis(ws), expected)
    Trainer([folder], tmp_path / "wide", SHORT, None).run()
    weight = load_model(tmp_path / "wide").generator.get_parameter("synthesis.b32.conv1.weight")
    assert weight[: narrow.channels(32), narrow.channels(32) :].abs().min() > 0  # the new ones are looked at by now


@pytest.mark.heavy
def test_young_and_adult_photos_learn_from_the_discriminator(folder: Path, tmp_path: Path) -> None:
    for breeds in (BREEDS[:3], BREEDS[3:]):
        write_photos(tmp_path, breeds, young=True, seed=1, more=(tmp_path / "faces.tsv").exists())
    options = replace(SHORT, photos_per_step=5, discriminator_share=0.3)
    Trainer([folder, tmp_path], tmp_path / "run", options, None).run()
    state = load_file(tmp_path / "run" / "model.safetensors")
    assert all(bool(value.isfinite().all()) for value in state.values())


@pytest.mark.heavy
@pytest.mark.parametrize("discriminator_share", [0.0, 0.3])
def test_the_same_seed_trains_the_same_weights(folder: Path, tmp_path: Path, discriminator_share: float) -> None:
    for name in ("one", "two"):
        Trainer([folder], tmp_path / name, replace(SHORT, discriminator_share=discriminator_share), None).run()
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("one", "two"))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.heavy
def test_a_network_of_drawn_pets_alone_can_be_compared_with(folder: Path, tmp_path: Path) -> None:
    Trainer([folder], tmp_path, replace(SHORT, photos_per_step=0, discriminator_share=0.3), None).run()
    state = load_file(tmp_path / "model.safetensors")
    assert all(bool(value.isfinite().all()) for value in state.values())
    write_photos(tmp_path, ["samoyed"], seed=2)  # whose name is among those that are never trained on
    searches = [replace(ENCODER_INITIALISED, steps=steps) for steps in (5, 14)]
    extractor = EmbeddedDistance()
    found = list(compare(load_embedded(), tmp_path, [folder, tmp_path], extractor, 1, searches))
    assert {(one.steps, one.side) for one in found} == {(steps, side) for steps in (5, 14) for side in (32, 256)}
    assert all(0 < one.ours < one.others for one in found if one.side == 256)


def test_what_is_exported_can_be_trained_on(folder: Path, tmp_path: Path) -> None:
    Trainer([folder], tmp_path / "run", SHORT, None).run()
    export(tmp_path / "run", training_faces(folder), tmp_path / "weights")
    Trainer([folder], tmp_path / "again", TrainingOptions(resolution=32, pictures=0), tmp_path / "weights").run()
    exported, again = load_model(tmp_path / "run"), load_model(tmp_path / "again")
    expected = exported.average.get_parameter("synthesis.b8.conv0.weight").half().float()
    assert torch.equal(again.generator.get_parameter("synthesis.b8.conv0.weight"), expected)


def test_training_goes_on_from_the_embedded_weights(folder: Path, tmp_path: Path) -> None:
    Trainer([folder], tmp_path, TrainingOptions(resolution=256, pictures=0), EMBEDDED).run()
    assert load_model(tmp_path).generator.config.img_resolution == 256
