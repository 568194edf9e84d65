"""Trains storybook: one generator for drawn pets and real faces, with an encoder beside it.

Drawn pets come in through the mapping network, from their parameters. A photo comes in through the encoder, which gives
a latent for each layer as searches find them (W+; Abdal et al. 2019, "Image2StyleGAN"), plus small latents of its own,
that penalties keep small.
Both are asked for two things: the pet as it is, and the pet at another age, `age` times the age vector away. For a
drawn pet the truth at another age is drawn; for a photo it is the photo grown (`engine.lab.drawn_pets.drawn_growth`).
The age vector is what the drawn pets say it is: the mean of mapping(young) − mapping(adult), measured again and again
while training goes on.
"""

import copy
import json
import logging
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from types import EllipsisType

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.device import choose_device
from engine.growth.landmarks import face_plane
from engine.lab.drawn_pets.parameters import Z_DIM, to_z
from engine.lab.storybook.batches import age_vectors, drawn_batch, photo_batch, random_pets
from engine.lab.storybook.discriminator import Discriminator
from engine.lab.storybook.face_dataset import open_dataset, training_faces
from engine.stylegan.encoder import Encoder
from engine.stylegan.generator import Generator, GeneratorConfig
from engine.stylegan.store.network_store import STORYBOOK
from engine.vision.efficientnet import load_efficientnet

_log = logging.getLogger(__name__)

_REPORT_EVERY = 50  # steps
_LOOKED_AT = 128  # px, the largest picture that goes through EfficientNet-Lite0 as it is
_BESIDE = 0.35  # how much the far background counts
_SAVE_EVERY_S = 600.0
_CRITIC_WARMUP = 300  # steps


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How storybook is trained. The same seed, start and number of pictures give the same weights on one machine."""

    resolution: int = 256
    pictures: int = 60_000  # to be seen
    minutes: float = 120.0  # stop then, however many were seen
    precision: str = "bfloat16"  # of the synthesis; float32 where the processor has no bfloat16
    drawn_per_step: int = 3
    photos_per_step: int = 5  # 0: a network of drawn pets alone, to compare with
    learning_rate: float = 6e-3
    mapping_rate: float = 10.0  # times learning_rate; with the layers' own 0.01 an effective multiplier of 0.1
    encoder_rate: float = 0.12  # times learning_rate
    residual_rate: float = 2.0  # times learning_rate
    features_weight: float = 0.5
    prior_weight: float = 0.01
    residual_weight: float = 0.02  # against a photo's own latents
    apart_weight: float = 0.01  # against what its layers have not in common
    encoder_weight: float = 0.1
    critic_share: float = 0.0  # of what pulls at the pictures of photos, the critic's against the regression's
    critic_rate: float = 2e-3
    fade: float = 0.15  # the learning rate falls to a twentieth over this last share
    ema_halflife: float = 6000.0  # pictures
    seed: int = 0


def network_config(resolution: int) -> GeneratorConfig:
    """Storybook's shape: wide where pictures are small, thin where they are large, for two cores."""
    return GeneratorConfig(
        z_dim=Z_DIM,
        w_dim=256,
        img_resolution=resolution,
        num_mapping_layers=2,
        channel_base=4096,
        channel_max=384,
        channel_min=32,
        conv_clamp=None,
    )


class PictureLoss(nn.Module):
    """L1, its gradients and its pyramid, and EfficientNet-Lite0 features at strides 2 to 16.

    What is beside the head counts less: a network this small has better things to learn than backgrounds.
    """

    def __init__(self, features_weight: float) -> None:
        super().__init__()
        self.features_weight = features_weight

    def forward(self, made: Tensor, wanted: Tensor) -> Tensor:
        """The mean over the batch of [N, 3, R, R] against [N, 3, R, R]."""
        made, wanted = (
            (x * _importance(x.shape[-1], x.device).to(x.dtype)).contiguous(memory_format=torch.channels_last)
            for x in (made, wanted)
        )
        loss = made.new_zeros(())
        a, b = made, wanted
        for level in range(4):
            loss = loss + F.l1_loss(a, b) * (1.0 if level == 0 else 0.5)
            if level < 2:
                loss = loss + F.l1_loss(a.diff(dim=-1), b.diff(dim=-1)) + F.l1_loss(a.diff(dim=-2), b.diff(dim=-2))
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        if made.shape[-1] <= _LOOKED_AT:
            return loss + self._features_loss(made, wanted)
        # Larger pictures are looked at as a whole and in one part, which is cheaper than at full size.
        shrink = made.shape[-1] // _LOOKED_AT
        whole = self._features_loss(F.avg_pool2d(made, shrink), F.avg_pool2d(wanted, shrink))
        align_to = _some_place(made.shape[-1])
        return loss + 0.5 * whole + 0.5 * self._features_loss(made[align_to], wanted[align_to])

    def _features_loss(self, made: Tensor, wanted: Tensor) -> Tensor:
        net = load_efficientnet(str(made.device))
        with torch.no_grad():
            truth = net.features(wanted, deepest=16)
        loss = made.new_zeros(())
        for ours, theirs in zip(net.features(made, deepest=16), truth, strict=True):
            scale = theirs.square().mean(dim=(0, 2, 3), keepdim=True).add(1e-6).rsqrt()
            loss = loss + self.features_weight * F.l1_loss(ours * scale, theirs * scale) * 0.25
        return loss


def _some_place(side: int) -> tuple[EllipsisType, slice, slice]:
    """A random square of pictures of this side, of what goes through EfficientNet-Lite0 as it is."""
    y, x = torch.randint(0, max(side - _LOOKED_AT, 0) + 1, (2,)).tolist()
    return ..., slice(y, y + _LOOKED_AT), slice(x, x + _LOOKED_AT)


@cache
def _importance(resolution: int, device: torch.device) -> Tensor:
    """[R, R]: 1 over the head, falling to `_BESIDE` at the corners."""
    x, y = face_plane(resolution, device).unbind(dim=-1)
    return _BESIDE + (1 - _BESIDE) * torch.sigmoid(3 * (2.1 - torch.hypot(x, y - 0.2)))


class StorybookModel(nn.Module):
    """Everything that learns, and its averages."""

    def __init__(self, resolution: int, faces: int) -> None:
        super().__init__()
        config = network_config(resolution)
        self.generator = Generator(config).to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.encoder = Encoder(config.w_dim, config.num_ws)
        self.encoder_average = copy.deepcopy(self.encoder).requires_grad_(False)
        # As photographed, and mirrored.
        self.residuals = nn.Parameter(torch.zeros(2, faces, config.num_ws, config.w_dim))

    def draw(self, ws: Tensor) -> Tensor:
        """Pictures [N, 3, R, R] of ws [N, num_ws, w_dim], in float32."""
        picture: Tensor = self.generator.synthesis(ws)
        return picture


class Trainer:
    """One run of training, from a checkpoint or from nothing."""

    def __init__(self, photos: list[Path], out: Path, options: TrainingOptions, start: Path | None) -> None:
        self._options = options
        self._out = out
        marked = [mark for folder in photos for mark in training_faces(folder)]
        self._names = [mark.path.name for mark in marked]
        self._book = open_dataset(marked, options.resolution)
        torch.manual_seed(options.seed)
        self._device = choose_device("auto")
        self._student = StorybookModel(options.resolution, len(self._book)).to(self._device)
        self._seen = 0  # pictures, in all runs
        if (out / "student.safetensors").exists():
            start = out
        if start is not None:
            self._resume(start)
        self._random = torch.Generator().manual_seed(options.seed + self._seen)
        self._loss = PictureLoss(options.features_weight)
        # It is not kept in checkpoints: within minutes it has learnt anew.
        self._critic = Discriminator().to(self._device)
        self._critic_steps = 0
        self._critic_optimiser = torch.optim.Adam(self._critic.parameters(), options.critic_rate, (0.0, 0.99))
        rate = options.learning_rate
        self._optimiser = torch.optim.Adam(
            [
                {"params": self._student.generator.synthesis.parameters(), "base": rate},
                {"params": self._student.generator.mapping.parameters(), "base": rate * options.mapping_rate},
                {"params": self._student.encoder.parameters(), "base": rate * options.encoder_rate},
                {"params": [self._student.residuals], "base": rate * options.residual_rate},
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
        sums: dict[str, Tensor] = {}
        step = 0
        while (
            share := max(_share(step * batch, options.pictures), _share(time.monotonic() - began, 60 * options.minutes))
        ) < 1:
            fade = min(1.0, 0.05 + 0.95 * (1 - share) / options.fade)
            for group in self._optimiser.param_groups:
                group["lr"] = group["base"] * fade * min(1.0, (step + 1) / 100)
            if step % 25 == 0:
                vectors = age_vectors(self._student.generator, self._seen)
                self._follow_w_avg()
            for name, value in self._step(vectors).items():
                sums[name] = sums[name] + value.detach() if name in sums else value.detach()
            step += 1
            self._seen += batch
            if step % _REPORT_EVERY == 0:
                means = " ".join(f"{name} {float(total) / _REPORT_EVERY:.4f}" for name, total in sums.items())
                sums = {}
                speed = step * batch / (time.monotonic() - began)
                _log.info("%d pictures seen, %.1f a second: %s", self._seen, speed, means)
            if time.monotonic() - saved > _SAVE_EVERY_S:
                self._save()
                saved = time.monotonic()
        self._save()

    def _step(self, vectors: Tensor) -> dict[str, Tensor]:
        """One step of all that learns; returns the shares of the loss."""
        options, model = self._options, self._student
        z, drawn = drawn_batch(options.drawn_per_step, options.resolution, self._random, self._device)
        photos = photo_batch(self._book, options.photos_per_step, self._random, self._device)
        ws_drawn = model.generator.mapping(z)
        w_drawn = ws_drawn[:, 0].detach()
        found = model.encoder.latents(torch.cat([photos.faces, drawn]))
        residual = model.residuals[photos.mirrored.long(), photos.index]
        ws_now = found[: options.photos_per_step] + residual
        ws_then = ws_now + (photos.ages[:, None] * vectors[photos.cats.long()])[:, None]
        with torch.autocast(self._device.type, torch.bfloat16, enabled=options.precision == "bfloat16"):
            made = model.draw(torch.cat([ws_drawn, ws_then]))
        spread = w_drawn.std(dim=0).mean().clamp(min=1e-3)
        pull, seen = self._pull(made.detach().float(), drawn, photos.wanted)
        losses = {
            # The encoder reads drawn pets as the mapping network wrote them, which keeps its age axis pure.
            "encoder": options.encoder_weight
            * ((found[options.photos_per_step :] - w_drawn[:, None]) / spread).square().mean(),
        }
        if options.photos_per_step:
            mean = ws_now.mean(dim=1, keepdim=True)
            parts = {
                "prior": (options.prior_weight, mean - model.generator.mapping.w_avg),
                "residual": (options.residual_weight, residual),
                "apart": (options.apart_weight, ws_now - mean),
            }
            losses |= {name: weight * (far / spread).square().mean() for name, (weight, far) in parts.items()}
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward([made, torch.stack(list(losses.values())).sum()], [pull.to(made.dtype), None])
        self._optimiser.step()
        batch = options.drawn_per_step + options.photos_per_step
        # A young average must not remember the beginning.
        decay = 0.5 ** (batch / min(options.ema_halflife, max(batch, 0.1 * self._seen)))
        _average(model.average, model.generator, decay)
        _average(model.encoder_average, model.encoder, decay)
        return seen | {name: value.detach() for name, value in losses.items()}

    def _pull(self, made: Tensor, drawn: Tensor, photos: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The gradient at the pictures made, of drawn pets first, and the losses it comes from."""
        options, count = self._options, len(drawn)
        made.requires_grad_()
        seen = {"drawn": self._loss(made[:count], drawn) * count / len(made)}
        if len(photos):
            seen["photo"] = self._loss(made[count:], photos) * len(photos) / len(made)
        (pull,) = torch.autograd.grad(torch.stack(list(seen.values())).sum(), made)
        if options.critic_share and len(photos):
            align_to = _some_place(made.shape[-1])
            deceived, seen["critic"] = self._critic.losses(made[count:][align_to], photos[align_to])
            (towards_photos,) = torch.autograd.grad(deceived, made)
            self._critic_optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(seen["critic"])
            self._critic_optimiser.step()
            self._critic_steps += 1
            # Both are as strong as they should be to each other, whatever the critic's scores; it learns first.
            strength = options.critic_share * min(1.0, self._critic_steps / _CRITIC_WARMUP)
            scale = pull[count:].norm() / towards_photos.norm().clamp(min=1e-12)
            pull = pull + strength * scale * towards_photos
        return pull, {name: value.detach() for name, value in seen.items()}

    @torch.no_grad()
    def _follow_w_avg(self) -> None:
        """Keep w_avg at the mean of w over drawn pets of all breeds."""
        mapping = self._student.generator.mapping
        pets = random_pets(64, torch.Generator().manual_seed(self._seen)).to(self._device)
        mean = mapping(to_z(pets))[:, 0].mean(dim=0)
        mapping.w_avg.copy_(mapping.w_avg.lerp(mean, 0.1) if self._seen else mean)

    def _save(self) -> None:
        """Write the checkpoint: the student, and what it has seen."""
        self._out.mkdir(parents=True, exist_ok=True)
        aside = self._out / "student.tmp"
        save_file({name: value.contiguous() for name, value in self._student.state_dict().items()}, aside)
        aside.replace(self._out / "student.safetensors")
        facts = {"options": asdict(self._options), "photos": self._names, "seen": self._seen}
        (self._out / "training.json").write_text(json.dumps(facts), encoding="utf-8")
        _log.info("saved after %d pictures", self._seen)

    def _resume(self, folder: Path) -> None:
        """Go on from a checkpoint or the embedded weights, of the same resolution, or grow those of half of it."""
        own = self._student.state_dict()
        if (folder / "student.safetensors").exists():
            facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
            state = _for_layers(load_file(folder / "student.safetensors"), self._student.generator.config)
            residuals = state.pop("residuals")
            align_to = {name: i for i, name in enumerate(facts["photos"])}
            for i, name in enumerate(self._names):
                if name in align_to:
                    own["residuals"][:, i] = residuals[:, align_to[name]]
            self._seen = int(facts["seen"])
        else:
            state = _for_layers(_published(folder), self._student.generator.config)
            self._seen = int(self._options.ema_halflife) * 10  # its averages are no longer young
        for name in own.keys() - state.keys():
            if name.endswith("torgb.weight"):  # a new last block starts by adding nothing
                own[name].zero_()
        self._student.load_state_dict(own | _widened(state, own))


def _for_layers(state: dict[str, Tensor], config: GeneratorConfig) -> dict[str, Tensor]:
    """The state of a network with fewer layers, for one with more: these are given what the last one was.

    In earlier checkpoints photos have one latent of their own for all layers.
    """
    fitted = dict(state)
    if "residuals" in state:
        residuals = state["residuals"]
        fitted["residuals"] = _extended(residuals if residuals.dim() == 4 else residuals[:, :, None], 2, config.num_ws)
    for name, values in state.items():
        if ".apart.1." in name:
            a_layer = values.view(-1, config.w_dim, *values.shape[1:])
            fitted[name] = _extended(a_layer, 0, config.num_ws).flatten(0, 1)
    return fitted


def _widened(state: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of a network with fewer channels, for one that has more and begins by drawing the same.

    New channels are as this one began, but nothing looks at them yet.
    """
    fitted = dict(state)
    for name, values in state.items():
        if name in own and values.shape != own[name].shape:
            wide = own[name].clone()
            if values.dim() == 4:
                wide[:, values.shape[1] :] = 0
            # What makes colours divides by the root of the number of channels it looks at.
            gain = (wide.shape[1] / values.shape[1]) ** 0.5 if name.endswith("torgb.weight") else 1.0
            wide[tuple(slice(side) for side in values.shape)] = gain * values
            fitted[name] = wide
    return fitted


def _extended(values: Tensor, dim: int, count: int) -> Tensor:
    """As many of this dimension, the last one repeated."""
    present = torch.arange(count, device=values.device).clamp(max=values.shape[dim] - 1)
    return values.index_select(dim, present)


def _share(part: float, whole: float) -> float:
    """How much of the whole this is; of nothing, everything is there already."""
    return part / whole if whole else 1.0


def _published(folder: Path) -> dict[str, Tensor]:
    """A student's state from an exported network, whose averages stand for what they are averages of."""
    parts = {"generator": STORYBOOK, "average": STORYBOOK, "encoder": f"{STORYBOOK}.encoder"}
    parts["encoder_average"] = parts["encoder"]
    return {
        f"{part}.{name}": value.float()
        for part, file in parts.items()
        for name, value in load_file(folder / f"{file}.safetensors").items()
    }


@torch.no_grad()
def _average(average: nn.Module, current: nn.Module, decay: float) -> None:
    for mean, value in zip(average.state_dict().values(), current.state_dict().values(), strict=True):
        mean.lerp_(value, 1 - decay)


def load_model(folder: Path) -> StorybookModel:
    """The student of a checkpoint, to look at or to export."""
    facts = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    model = StorybookModel(int(facts["options"]["resolution"]), len(facts["photos"]))
    state = _for_layers(load_file(folder / "student.safetensors"), model.generator.config)
    own = model.state_dict()  # earlier checkpoints have fewer channels, or one latent for all layers
    model.load_state_dict(own | _widened(state, own))
    return model.eval().requires_grad_(False)
