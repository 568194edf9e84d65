"""Trains storybook: one generator for drawn pets and real faces, with an encoder beside it.

Drawn pets come in through the mapping network, from their parameters. A photo comes in through the encoder, which gives
a latent for each layer as searches find them (W+; Abdal et al. 2019, "Image2StyleGAN"), plus small latents of its own,
which penalties keep small.

Both are asked for two things: the pet as it is, and the pet at another age, `age` times the age vector away. For a
drawn pet the truth at another age is drawn. For a photo nobody knows it: there a discriminator that knows species and
age (`engine.lab.storybook.discriminator`) judges whether the picture looks like real animals of that age. The age
vector is the mean of mapping(young) − mapping(adult) over drawn pets, corrected by what the encoder finds in real young
and adult faces (`engine.lab.storybook.age_axis`), measured again and again while training goes on.
"""

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from engine.device import choose_device
from engine.lab.drawn_pets.parameters import to_z
from engine.lab.storybook.age_axis import age_vectors
from engine.lab.storybook.batches import PhotoBatch, drawn_batch, photo_batch, sample_parameters
from engine.lab.storybook.discriminator import Discriminator
from engine.lab.storybook.face_dataset import open_dataset, photo_latents
from engine.lab.storybook.picture_loss import picture_loss
from engine.lab.storybook.storybook_model import (
    StorybookModel,
    is_checkpoint,
    load_state,
    read_facts,
    save_checkpoint,
    widened,
)
from engine.lab.storybook.training_photos import storybook_photos

_log = logging.getLogger(__name__)

REPORT_EVERY = 50  # steps
MEASURE_AGE_EVERY = 25  # steps; the age vectors follow the network as it learns
SAVE_EVERY_S = 600.0  # at most so much work is lost when training is killed
RATE_WARMUP = 100  # steps in which the learning rate rises
DISCRIMINATOR_WARMUP = 300  # steps in which its pull on the generator rises; it has to learn first


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How storybook is trained. The same seed, start and number of pictures give the same weights on one machine."""

    resolution: int = 256  # px
    pictures: int = 60_000  # to be seen
    minutes: float = 120.0  # stop then, however many were seen
    precision: str = "bfloat16"  # of the synthesis; float32 where the processor has no bfloat16
    drawn_per_step: int = 2
    photos_per_step: int = 6  # 0: a network of drawn pets alone, to compare with
    learning_rate: float = 6e-3
    mapping_rate: float = 10.0  # times learning_rate; with the layers' own 0.01 an effective multiplier of 0.1
    encoder_rate: float = 0.12  # times learning_rate
    residual_rate: float = 2.0  # times learning_rate
    features_weight: float = 0.5  # of EfficientNet-Lite0's features, against the pixels
    prior_weight: float = 0.01  # against the distance of photos' latents from w_avg
    residual_weight: float = 0.02  # against the size of a photo's own latents
    layers_apart_weight: float = 0.01  # against differences between a photo's layers
    encoder_weight: float = 0.1  # of the encoder's error on drawn pets
    discriminator_share: float = 0.25  # size of its gradient at a photo's picture, over that of the regression
    discriminator_rate: float = 2e-3  # its own learning rate
    fade: float = 0.15  # the last share of training, in which the learning rate falls to a twentieth
    ema_halflife: float = 2500.0  # pictures; of the averages of the weights
    seed: int = 0


class Trainer:
    """One run of training.

    It goes on from the checkpoint in `out` if there is one, else from `start`, a checkpoint or the folder of an
    exported network, else from random weights. `photos` are folders of photos, as `storybook_photos` takes them.
    """

    def __init__(self, photos: list[Path], out: Path, options: TrainingOptions, start: Path | None) -> None:
        self._options = options
        self._out = out
        self._photos = storybook_photos(photos)
        self._names = [photo.path.name for photo in self._photos]
        self._dataset = open_dataset(self._photos, options.resolution)
        torch.manual_seed(options.seed)
        self._device = choose_device("auto")
        self._model = StorybookModel(options.resolution, len(self._dataset)).to(self._device)
        self._seen = 0  # pictures, in all runs
        if is_checkpoint(out):
            start = out
        if start is not None:
            self._resume(start)
        self._latents = photo_latents(self._model.encoder, self._dataset)  # followed as the encoder learns
        self._random = torch.Generator().manual_seed(options.seed + self._seen)
        # It is not kept in checkpoints: within minutes it has learnt anew.
        self._discriminator = Discriminator().to(self._device)
        self._discriminator_steps = 0
        self._discriminator_optimiser = torch.optim.Adam(
            self._discriminator.parameters(), options.discriminator_rate, betas=(0.0, 0.99)
        )
        rate = options.learning_rate
        self._optimiser = torch.optim.Adam(
            [
                {"params": self._model.generator.synthesis.parameters(), "base": rate},
                {"params": self._model.generator.mapping.parameters(), "base": rate * options.mapping_rate},
                {"params": self._model.encoder.parameters(), "base": rate * options.encoder_rate},
                {"params": [self._model.residuals], "base": rate * options.residual_rate},
            ],
            lr=rate,
            betas=(0.5, 0.99),
            fused=True,
        )

    def run(self) -> None:
        """Train until enough pictures were seen or the time is up, with a checkpoint now and then and at the end."""
        options = self._options
        batch = options.drawn_per_step + options.photos_per_step
        began = saved = time.monotonic()
        losses: list[dict[str, Tensor]] = []
        step = 0
        with logging_redirect_tqdm(), tqdm(total=options.pictures, unit="picture", disable=None) as bar:
            while (done := self._share_done(step * batch, time.monotonic() - began)) < 1:
                self._set_learning_rates(step, done)
                if step % MEASURE_AGE_EVERY == 0:
                    vectors = age_vectors(self._model.generator, self._seen, self._photos, self._latents)
                    self._follow_w_avg()
                losses.append(self._step(vectors))
                step += 1
                self._seen += batch
                bar.update(batch)
                if step % REPORT_EVERY == 0:
                    self._report(losses, step * batch / (time.monotonic() - began))
                    losses = []
                if time.monotonic() - saved > SAVE_EVERY_S:
                    self._save()
                    saved = time.monotonic()
            self._save()

    def _share_done(self, pictures: int, seconds: float) -> float:
        """How much of this run is over, by pictures or by time, whichever is more: 0..1 and above."""
        return max(_share(pictures, self._options.pictures), _share(seconds, 60 * self._options.minutes))

    def _set_learning_rates(self, step: int, done: float) -> None:
        fade = min(1.0, 0.05 + 0.95 * (1 - done) / self._options.fade)
        for group in self._optimiser.param_groups:
            group["lr"] = group["base"] * fade * min(1.0, (step + 1) / RATE_WARMUP)

    def _report(self, losses: list[dict[str, Tensor]], pictures_per_s: float) -> None:
        means = {name: float(torch.stack([one[name] for one in losses]).mean()) for name in losses[0]}
        text = " ".join(f"{name} {value:.4f}" for name, value in means.items())
        _log.info("%d pictures seen, %.1f a second: %s", self._seen, pictures_per_s, text)

    def _step(self, vectors: Tensor) -> dict[str, Tensor]:
        """Take one step with everything that learns; return the parts of the loss."""
        options, model = self._options, self._model
        z, drawn = drawn_batch(options.drawn_per_step, options.resolution, self._random, self._device)
        photos = photo_batch(self._dataset, options.photos_per_step, self._random, self._device)
        ws_drawn = model.generator.mapping(z)
        w_drawn = ws_drawn[:, 0].detach()
        found = model.encoder.latents(torch.cat([photos.faces, drawn]))
        self._latents[photos.index] = found[: options.photos_per_step].detach().mean(dim=1)
        residual = model.residuals[photos.mirrored.long(), photos.index]
        ws_now = found[: options.photos_per_step] + residual
        # At another age it is the generator alone that learns to draw it: the photo's latents are those of its own age.
        moved = ws_now[photos.own :].detach() + _away(photos, vectors)[photos.own :]
        ws_then = torch.cat([ws_now[: photos.own], moved])
        with torch.autocast(self._device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
            made = model.generator.synthesis(torch.cat([ws_drawn, ws_then]))
        spread = w_drawn.std(dim=0).mean().clamp(min=1e-3)
        gradient, seen = self._picture_gradient(made.detach().float(), drawn, photos)
        losses = {
            # The encoder reads drawn pets as the mapping network wrote them, which keeps its age axis pure.
            "encoder": options.encoder_weight
            * ((found[options.photos_per_step :] - w_drawn[:, None]) / spread).square().mean(),
        }
        if options.photos_per_step:
            losses |= self._latent_losses(ws_now, residual, spread)
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward([made, torch.stack(list(losses.values())).sum()], [gradient.to(made.dtype), None])
        self._optimiser.step()
        batch = options.drawn_per_step + options.photos_per_step
        # A young average must not remember the beginning.
        decay = 0.5 ** (batch / min(options.ema_halflife, max(batch, 0.1 * self._seen)))
        _average(model.average, model.generator, decay)
        _average(model.encoder_average, model.encoder, decay)
        return seen | {name: value.detach() for name, value in losses.items()}

    def _latent_losses(self, ws: Tensor, residual: Tensor, spread: Tensor) -> dict[str, Tensor]:
        """Penalties on photos' latents [N, num_ws, w_dim], in units of the spread of drawn pets' w."""
        options = self._options
        mean = ws.mean(dim=1, keepdim=True)
        parts = {
            "prior": (options.prior_weight, mean - self._model.generator.mapping.w_avg),
            "residual": (options.residual_weight, residual),
            "apart": (options.layers_apart_weight, ws - mean),
        }
        return {name: weight * (far / spread).square().mean() for name, (weight, far) in parts.items()}

    def _picture_gradient(self, made: Tensor, drawn: Tensor, photos: PhotoBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient at the pictures made, those of drawn pets first, and the losses it comes from."""
        options, own = self._options, slice(len(drawn), len(drawn) + photos.own)
        made.requires_grad_()
        seen = {"drawn": picture_loss(made[: len(drawn)], drawn, options.features_weight) * len(drawn) / len(made)}
        if photos.own:
            loss = picture_loss(made[own], photos.faces[: photos.own], options.features_weight)
            seen["photo"] = loss * photos.own / len(made)
        (gradient,) = torch.autograd.grad(torch.stack(list(seen.values())).sum(), made)
        if options.discriminator_share and photos.own:
            adversarial, judged = self._adversarial_gradient(made, photos)
            seen |= judged
            # Scaled, so that the share holds whatever the size of the scores.
            strength = options.discriminator_share * min(1.0, self._discriminator_steps / DISCRIMINATOR_WARMUP)
            scale = _size(gradient[own]) / _size(adversarial[len(drawn) :]).clamp(min=1e-12)
            gradient = gradient + strength * scale * adversarial
        return gradient, {name: value.detach() for name, value in seen.items()}

    def _adversarial_gradient(self, made: Tensor, photos: PhotoBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """What the discriminator says of the pictures of photos, which come last in `made`; it learns from them."""
        discriminator = self._discriminator
        pictures = made[-len(photos.ages) :]
        losses = discriminator.losses(pictures, photos.real, photos.classes, self._random)
        (gradient,) = torch.autograd.grad(losses.generator, made)
        self._discriminator_optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(losses.discriminator)
        self._discriminator_optimiser.step()
        self._discriminator_steps += 1
        discriminator.adapt(losses.sureness)
        return gradient, {"discriminator": losses.discriminator, "sureness": losses.sureness}

    @torch.no_grad()
    def _follow_w_avg(self) -> None:
        """Keep w_avg at the mean of w over drawn pets of all breeds."""
        mapping = self._model.generator.mapping
        pets = sample_parameters(64, torch.Generator().manual_seed(self._seen)).to(self._device)
        mean = mapping(to_z(pets))[:, 0].mean(dim=0)
        mapping.w_avg.copy_(mapping.w_avg.lerp(mean, 0.1) if self._seen else mean)

    def _save(self) -> None:
        facts = {"options": asdict(self._options), "photos": self._names, "seen": self._seen}
        save_checkpoint(self._model, facts, self._out)
        _log.info("saved after %d pictures", self._seen)

    def _resume(self, folder: Path) -> None:
        """Go on from a checkpoint or an exported network of the same resolution, or grow one of half of it."""
        own = self._model.state_dict()
        state = load_state(folder, self._model.generator.config)
        if is_checkpoint(folder):
            facts = read_facts(folder)
            residuals = state.pop("residuals")
            index_of = {name: i for i, name in enumerate(facts["photos"])}
            for i, name in enumerate(self._names):
                if name in index_of:
                    own["residuals"][:, i] = residuals[:, index_of[name]]
            self._seen = int(facts["seen"])
        else:
            self._seen = int(self._options.ema_halflife) * 10  # its averages are no longer young
        for name in own.keys() - state.keys():
            if name.endswith("torgb.weight"):  # a new last block starts by adding nothing
                own[name].zero_()
        self._model.load_state_dict(own | widened(state, own))


def _away(photos: PhotoBatch, vectors: Tensor) -> Tensor:
    """How far the ages of photos are from their own in W: [N, 1, w_dim], for age vectors [2, w_dim]."""
    return (photos.ages[:, None] * vectors[photos.cats.long()])[:, None]


def _size(gradient: Tensor) -> Tensor:
    """The root of the mean square, whatever the number of pictures."""
    return gradient.square().mean().sqrt()


def _share(part: float, whole: float) -> float:
    """`part` of `whole`; 1 where nothing is wanted."""
    return part / whole if whole else 1.0


@torch.no_grad()
def _average(average: nn.Module, current: nn.Module, decay: float) -> None:
    for mean, value in zip(average.state_dict().values(), current.state_dict().values(), strict=True):
        mean.lerp_(value, 1 - decay)
