"""Every method trains from its one command, and what it leaves can be loaded, used and compared."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.lab.methods.adversarial_losses import discriminator_loss
from engine.lab.methods.catalogue import METHODS, load_model_of, training_of
from engine.lab.methods.cli import main
from engine.lab.methods.datasets import ADULT, AGES, YOUNG, as_floats, draw_pets, held_out_pets, training_pictures
from engine.lab.methods.method_table import HEADINGS
from engine.lab.methods.pfa_gan import PfaGan
from engine.lab.methods.studies import Trial, run_study, study_row
from engine.lab.methods.stylegan2_ada import StyleGan2Ada, minibatch_deviation, path_lengths
from engine.lab.methods.training_loop import MethodOptions, read_record
from engine.stylegan.perceptual import EmbeddedDistance
from tests.engine.lab.drawn_photos import write_photos

SIDE = 16
TINY = {"resolution": SIDE, "width": 4, "batch": 4, "steps": 2}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@pytest.mark.parametrize("method", METHODS)
def test_a_method_trains_and_its_checkpoint_makes_the_same_pictures(method: str, cache: Path, tmp_path: Path) -> None:
    options = MethodOptions(method, **TINY)  # type: ignore[arg-type]
    faces = held_out_pets(2, resolution=SIDE, cache=cache).adults
    made: list[Tensor] = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        pets = training_pictures(6, resolution=SIDE, cache=cache)
        pets.shown = faces
        made.append(training_of(method)(pets, options, folder).requires_grad_(False).younger(faces))
    assert made[0].shape == faces.shape
    assert made[0].isfinite().all()
    torch.testing.assert_close(made[0], made[1])  # the same seed, the same weights
    torch.testing.assert_close(load_model_of(tmp_path / "a").younger(faces), made[0])
    with Image.open(tmp_path / "a" / "samples-00.png") as strip:
        assert strip.size == (2 * SIDE, SIDE)
    record = read_record(tmp_path / "a")
    assert record.steps == record.options.steps == (0 if method == "mean_picture" else 2)


def test_pairs_are_the_same_pet_and_unpaired_batches_are_of_the_age_asked_for(cache: Path) -> None:
    pets = training_pictures(6, resolution=SIDE, cache=cache)
    adult, young = pets.pairs(8)
    assert torch.equal(adult.breeds, young.breeds)
    assert set(adult.groups.tolist()) == {ADULT}
    assert set(pets.of_age(YOUNG, 8).groups.tolist()) == {YOUNG}
    assert set(pets.of_any_age(64).groups.tolist()) == set(range(len(AGES)))


def test_held_out_pets_are_no_training_pets(cache: Path) -> None:
    learned = as_floats(training_pictures(28, resolution=SIDE, cache=cache).pictures)
    unseen = held_out_pets(28, resolution=SIDE, cache=cache)
    nearest = (learned[:, None] - unseen.adults[None]).abs().mean(dim=(2, 3, 4)).min()
    assert nearest > 0.01


def test_real_faces_come_with_their_age_and_are_held_out_by_name(cache: Path, tmp_path: Path) -> None:
    write_photos(tmp_path, ["samoyed", "beagle", "siamese", "pug", "tabby", "poodle"])
    write_photos(tmp_path, ["samoyed", "beagle", "siamese"], young=True, more=True)
    learned = training_pictures(2, [tmp_path], SIDE, cache=cache)
    unseen = held_out_pets(2, [tmp_path], SIDE, cache=cache)
    real = learned.groups[learned.drawn :]
    assert 0 < len(real) + len(unseen.real) <= 9
    assert set(real.tolist()) <= {ADULT, YOUNG}
    assert unseen.showable.all()
    alone = training_pictures(0, [tmp_path], SIDE).of_age(YOUNG, 20)  # of an animal that nobody can draw
    assert set(alone.groups.tolist()) == {YOUNG}
    loose = training_pictures(2, [tmp_path], SIDE, aligned=False, cache=cache)
    assert loose.pictures.shape == learned.pictures.shape
    assert not torch.equal(loose.pictures, learned.pictures)


@pytest.mark.parametrize("part", ["coat", "shape"])
def test_coat_and_shape_can_change_alone(part: str) -> None:
    together, breeds = draw_pets(4, 32, seed=3, only="shape" if part == "coat" else "coat")
    alone, same = draw_pets(4, 32, seed=3, only=part)
    assert torch.equal(breeds, same)
    assert torch.equal(alone[:, ADULT], together[:, ADULT])
    assert not torch.equal(alone[:, YOUNG], together[:, YOUNG])


def test_a_rabbit_has_shorter_ears_when_it_is_young() -> None:
    rabbits, _ = draw_pets(2, 64, seed=0, only="rabbit")
    change = (as_floats(rabbits[:, ADULT]) - as_floats(rabbits[:, YOUNG])).abs().mean(dim=(0, 1))
    assert change[:16].mean() > 0.02  # where the grown ears' tips were


def test_an_age_between_two_groups_opens_the_gate_half_way() -> None:
    model = PfaGan(MethodOptions("pfa_gan", resolution=SIDE, width=4)).eval()
    faces = torch.rand(2, 3, SIDE, SIDE) - 0.5
    with torch.no_grad():
        torch.testing.assert_close(model.younger(faces), faces)  # before it has learned to add anything
        for parameter in model.steps.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
        whole, half = model.progress(faces, (1.0, 0.0)), model.younger(faces, 0.25)
        assert not torch.allclose(whole, faces)
        torch.testing.assert_close(half, torch.lerp(faces, whole, 0.5).clamp(-1, 1))
        torch.testing.assert_close(model.younger(faces, 0.0), faces)


def test_path_lengths_of_a_linear_synthesis_are_those_of_its_matrix() -> None:
    """J of pictures = w · a is a, so that E‖Jᵀy‖² is ‖a‖² over the number of pixels."""
    ws = torch.randn(400, 1, 1, requires_grad=True)
    pictures = 3.0 * ws[:, :, :, None].expand(-1, 1, 4, 4)
    torch.manual_seed(0)
    lengths = path_lengths(pictures, ws)
    assert float(lengths.detach().square().mean()) == pytest.approx(9.0 * 16 / 16, rel=0.2)


def test_the_minibatch_deviation_tells_copies_from_different_pictures() -> None:
    copies = torch.ones(4, 2, 4, 4)
    assert float(minibatch_deviation(copies).max()) < 1e-3
    assert float(minibatch_deviation(torch.randn(4, 2, 4, 4)).min()) > 0.3


def test_the_discriminator_learns_to_tell_black_from_white() -> None:
    torch.manual_seed(0)
    critic = StyleGan2Ada(MethodOptions("stylegan2_ada", resolution=SIDE, width=4)).discriminator
    optimiser = torch.optim.Adam(critic.parameters(), 0.01)
    white, black = torch.ones(4, 3, SIDE, SIDE), -torch.ones(4, 3, SIDE, SIDE)
    for _ in range(30):
        loss = discriminator_loss(critic(white), critic(black))
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
    assert float(loss.detach()) < 0.7  # half of what guessing costs


def test_train_and_compare_from_the_command_line(
    cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--cache", str(cache)]
    for method in ("mean_picture", "pix2pix"):
        out = ["--out", str(tmp_path / method)]
        assert main(["train", method, *out, "--pairs", "4", "--steps", "1", "--width", "4", *shared]) == 0
    assert main(["compare", str(tmp_path), "--count", "6", *shared]) == 0
    table = capsys.readouterr().out.splitlines()
    assert table[0] == f"| {' | '.join(HEADINGS)} |"
    assert [line.split(" | ")[0] for line in table[2:]] == ["| unchanged", "| mean_picture", "| pix2pix"]
    assert "| 0.00 | 0.00 |" in table[2]
    assert all((tmp_path / name).exists() for name in ("sheet.jpg", "pix2pix.jpg", "mean_picture.jpg"))
    assert json.loads((tmp_path / "pix2pix" / "training.json").read_text())["steps"] == 1


def test_a_training_goes_on_from_another_animals_weights(cache: Path, tmp_path: Path) -> None:
    options = MethodOptions("cyclegan", **TINY)  # type: ignore[arg-type]
    pets = training_pictures(6, resolution=SIDE, cache=cache)
    learned = training_of("cyclegan")(pets, options, tmp_path)
    rabbits = training_pictures(4, resolution=SIDE, only="rabbit", cache=cache)
    further = replace(options, start=str(tmp_path), steps=0, seed=7)
    faces = held_out_pets(2, resolution=SIDE, only="rabbit", cache=cache).adults
    with torch.no_grad():
        torch.testing.assert_close(training_of("cyclegan")(rabbits, further).younger(faces), learned.younger(faces))


def test_a_study_trains_once_what_it_measures_twice(cache: Path, tmp_path: Path) -> None:
    trials = [Trial("pix2pix", 4, True, "dog", measured) for measured in ("dog", "cat")]
    found = list(run_study(trials, tmp_path, 3, EmbeddedDistance(), cache, steps=1, width=4))
    rows = [study_row(trial, score) for trial, score in found]
    assert [row[:5] for row in rows] == [["pix2pix", "4", "aligned", "dog", measured] for measured in ("dog", "cat")]
    assert found[0][1].gap_mean != found[1][1].gap_mean
    assert len(list(tmp_path.iterdir())) == 1
