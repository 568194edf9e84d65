"""StyleGAN2 (Karras et al. 2020a) with adaptive discriminator augmentation (2020b), on the product's own generator.

    L_D = E[softplus(-D(T x))] + E[softplus(D(T G(z)))] + γ/2 E[‖∇_x D(T x)‖²]      every 16th step, times 16
    L_G = E[softplus(-D(T G(z)))] + E[(‖J_w^T y‖ - a)²]                             every 4th step, times 4

T are the augmentations (`ada_pipeline`), a is the running mean of the lengths ‖J_w^T y‖, y is noise in the picture.
Styles of two latents are mixed, and what is kept is the moving average of the generator.

A face becomes younger as in the product: projected to W+, moved along the age vector, which is the mean of the ws of
young faces minus that of adults.
"""

import copy
import math
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.device import quick_dtype
from engine.inversion import Projection, advance
from engine.lab.methods.ada_pipeline import AdaptiveAugmentation
from engine.lab.methods.adversarial_losses import discriminator_loss, non_saturating_loss, r1_penalty
from engine.lab.methods.datasets import ADULT, YOUNG, PetPictures
from engine.lab.methods.path_length import LatentSpace, lerp, normal_space
from engine.lab.methods.training_loop import MethodOptions, Model, Run, exact, quick, update
from engine.stylegan.age_vectors import learn_age_vector
from engine.stylegan.generator import SQRT2, FullyConnected, Generator, GeneratorConfig, filter_2d, upsampling_filter
from engine.stylegan.perceptual import EmbeddedDistance
from engine.stylegan.store.statistics import WStatistics, measure

LEARNING_RATE = 0.0025
BETAS = (0.0, 0.99)
MIXING = 0.9  # probability of two styles in a picture
R1_EVERY, PATH_EVERY = 16, 4  # steps: "lazy" regularisation
PATH_WEIGHT, PATH_DECAY = 2.0, 0.01
EMA_PICTURES, EMA_RAMP = 10_000, 0.05  # half-life of the average; at most this share of the pictures seen
PICTURES_TO_FULL = 20_000  # until p = 1; the paper's 500,000 suit trainings that see 25 million
_LABELLED = 32  # faces of either age that the age vector is the mean difference of
_AT_ONCE = 32  # faces searched for together
_STATISTICS_OF = 4_000  # random w


class EqualisedConvolution(nn.Module):
    """A convolution with equalised learning rate, a leaky ReLU after it, and a low-pass filter before a stride."""

    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, size: int, *, down: bool = False, activate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, size, size))
        self.bias = nn.Parameter(torch.zeros(outputs)) if activate else None
        self.gain = 1 / math.sqrt(inputs * size * size)
        self.down = down
        self.register_buffer("resample_filter", upsampling_filter())

    def forward(self, x: Tensor) -> Tensor:
        size = self.weight.shape[-1]
        if self.down:
            around = (size - 1) // 2
            x = filter_2d(x, self.resample_filter, (1 + around, 1 + around, 1 + around, 1 + around))
        padding = 0 if self.down else size // 2
        x = F.conv2d(x, self.weight * self.gain, self.bias, 2 if self.down else 1, padding)
        return x if self.bias is None else F.leaky_relu(x, 0.2) * SQRT2


class ResidualDiscriminator(nn.Module):
    """The "residual" architecture (2020a, figure 7), with minibatch standard deviation (Karras et al. 2018)."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        sides = config.resolutions[::-1]
        self.from_rgb = EqualisedConvolution(3, config.channels(sides[0]), 1)
        self.blocks, self.skips = nn.ModuleList(), nn.ModuleList()
        for side in sides[:-1]:
            inputs, outputs = config.channels(side), config.channels(side // 2)
            first = EqualisedConvolution(inputs, inputs, 3)
            self.blocks.append(nn.Sequential(first, EqualisedConvolution(inputs, outputs, 3, down=True)))
            self.skips.append(EqualisedConvolution(inputs, outputs, 1, down=True, activate=False))
        channels = config.channels(4)
        self.last = EqualisedConvolution(channels + 1, channels, 3)
        self.hidden = FullyConnected(channels * 16, channels, activate=True)
        self.out = FullyConnected(channels, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits [N]."""
        x = self.from_rgb(pictures)
        for block, skip in zip(self.blocks, self.skips, strict=True):
            x = (block(x) + skip(x)) / SQRT2
        x = self.last(torch.cat([x, minibatch_deviation(x)], dim=1))
        logits: Tensor = self.out(self.hidden(x.flatten(1)))
        return logits.flatten().float()


def minibatch_deviation(x: Tensor, group: int = 4) -> Tensor:
    """How much each feature differs between pictures of a group, one mean a group: [N, 1, H, W]."""
    group = math.gcd(len(x), group)
    grouped = x.float().unflatten(0, (group, -1))  # type: ignore[no-untyped-call]
    deviation = (grouped.var(dim=0, correction=0) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    plane: Tensor = deviation.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:]).to(x)
    return plane


def network_config(options: MethodOptions) -> GeneratorConfig:
    return GeneratorConfig(
        z_dim=2 * options.width,
        w_dim=2 * options.width,
        img_resolution=options.resolution,
        num_mapping_layers=4,
        channel_base=options.width * options.resolution // 2,
        channel_max=2 * options.width,
    )


class StyleGan2Ada(Model):
    age_vector: Tensor

    def __init__(self, options: MethodOptions) -> None:
        super().__init__()
        config = network_config(options)
        self.average = Generator(config)
        self.generator_trained = Generator(config)
        self.discriminator = ResidualDiscriminator(config)
        self.register_buffer("age_vector", torch.zeros(config.num_ws, config.w_dim))
        for name, shape in (("mean", 1), ("std", 1), ("components", 2), ("deviations", 1)):
            self.register_buffer(f"w_{name}", torch.zeros([config.w_dim] * shape))

    @property
    def statistics(self) -> WStatistics:
        return WStatistics(*(self.get_buffer(f"w_{name}") for name in ("mean", "std", "components", "deviations")))

    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        made: Tensor = self.average.synthesis(self.projected(faces) + age * self.age_vector)
        return made.clamp(-1, 1)

    def projected(self, faces: Tensor) -> Tensor:
        """The ws [N, num_ws, w_dim] of faces, as the product searches for them."""
        extractor = EmbeddedDistance().to(self.device)
        return torch.cat([self._projected(some, extractor) for some in torch.split(faces, _AT_ONCE)])

    @torch.enable_grad()
    def _projected(self, faces: Tensor, extractor: EmbeddedDistance) -> Tensor:
        searches = [Projection(face, self.average, self.statistics, extractor) for face in torch.split(faces, 1)]
        found: dict[int, Tensor] = {}
        while going := [search for search in searches if not search.done]:
            advance(going)
            found |= {id(search): search.step().ws for search in going}
        return torch.cat([found[id(search)] for search in searches]).detach()

    def samples(self, faces: Tensor) -> Tensor:
        z = torch.randn(len(faces), self.average.config.z_dim, generator=torch.Generator().manual_seed(0))
        made: Tensor = self.average(z.to(self.device), truncation_psi=0.8)
        return made

    def latent_spaces(self) -> dict[str, LatentSpace]:
        """Z, and W, whose straight ways are what the mapping network is for."""
        generator, z_dim = self.average, self.average.config.z_dim

        def random_w(count: int, random: torch.Generator) -> Tensor:
            ws: Tensor = generator.mapping(torch.randn(count, z_dim, generator=random).to(self.device))
            return ws[:, 0]

        def from_w(w: Tensor) -> Tensor:
            made: Tensor = generator.synthesis(w[:, None].expand(-1, generator.config.num_ws, -1))
            return made

        return {"z": normal_space(generator, z_dim), "w": LatentSpace(from_w, random_w, lerp)}

    def size(self) -> int:
        return sum(p.numel() for p in self.average.parameters())

    @torch.no_grad()
    def learn_age(self, young: Tensor, adult: Tensor) -> None:
        """Measure the space, and find the age vector of faces [K, 3, R, R] of either age that are no pairs."""
        self.requires_grad_(False)
        found = measure(self.average, _STATISTICS_OF)
        for name in ("mean", "std", "components", "deviations"):
            self.get_buffer(f"w_{name}").copy_(getattr(found, name))
        self.age_vector.copy_(learn_age_vector(self.projected(young), self.projected(adult), self.statistics))


def mixed_styles(generator: Generator, count: int) -> Tensor:
    """ws [count, num_ws, w_dim] of random z; most change to those of another z at some layer (2019, section 3.1)."""
    config, device = generator.config, generator.mapping.w_avg.device
    ws, others = (generator.mapping(torch.randn(count, config.z_dim, device=device)) for _ in range(2))
    cut = torch.randint(1, config.num_ws, (count,), device=device)
    cut = torch.where(torch.rand(count, device=device) < MIXING, cut, config.num_ws)
    rows = torch.arange(config.num_ws, device=device)
    mixed: Tensor = torch.where((rows < cut[:, None])[:, :, None], ws, others)
    return mixed


def path_lengths(pictures: Tensor, ws: Tensor) -> Tensor:
    """‖J_w^T y‖ [N] for noise y in the picture (2020a, section 3.2)."""
    noise = torch.randn_like(pictures) / math.sqrt(pictures.shape[2] * pictures.shape[3])
    (gradient,) = torch.autograd.grad((pictures * noise).sum(), ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


class _Game:
    """Both sides of one training, a step at a time."""

    def __init__(self, model: StyleGan2Ada, pets: PetPictures, options: MethodOptions) -> None:
        self.pets, self.batch = pets, options.batch
        self.generator, self.average, self.critic = model.generator_trained, model.average, model.discriminator
        self.augment = AdaptiveAugmentation(PICTURES_TO_FULL)
        self.r_t, self.mean_length = 0.0, torch.zeros((), device=pets.device)
        self.gamma = 0.0002 * options.resolution**2 / options.batch  # the heuristic of 2020b, appendix C
        self.dtype = quick_dtype(pets.device)
        self.optimise_g, self.optimise_d = (
            torch.optim.Adam(network.parameters(), LEARNING_RATE * share, (BETAS[0], BETAS[1] ** share))
            for network, share in (
                (self.generator, PATH_EVERY / (PATH_EVERY + 1)),
                (self.critic, R1_EVERY / (R1_EVERY + 1)),
            )
        )
        self.taken = 0

    def step(self) -> dict[str, Tensor]:
        with exact(self.pets.device):
            losses = self.discriminator_step() | self.generator_step()
            if self.taken % R1_EVERY == 0:
                losses["r1"] = self.r1_step()
            if self.taken % PATH_EVERY == 0:
                losses["path"] = self.path_step()
            self.taken += 1
            self.follow()
        facts = {"p": self.augment.p, "r_t": self.r_t}
        return losses | {name: torch.tensor(value) for name, value in facts.items()}

    def judged(self, pictures: Tensor) -> Tensor:
        augmented = self.augment(pictures)
        with quick(self.pets.device):
            logits: Tensor = self.critic(augmented)
        return logits

    def made(self) -> Tensor:
        ws = mixed_styles(self.generator, self.batch)
        return self.generator.synthesis(ws, "random", dtype=self.dtype)  # type: ignore[no-any-return]

    def discriminator_step(self) -> dict[str, Tensor]:
        real = self.judged(self.pets.of_any_age(self.batch).pictures)
        with torch.no_grad():
            made = self.made()
        fake = self.judged(made)
        r_t = self.augment.observe(real)
        self.r_t = self.r_t if r_t is None else r_t
        return {"discriminator": update(self.optimise_d, discriminator_loss(real, fake))}

    def generator_step(self) -> dict[str, Tensor]:
        return {"generator": update(self.optimise_g, non_saturating_loss(self.judged(self.made())))}

    def r1_step(self) -> Tensor:
        real = self.pets.of_any_age(self.batch).pictures.requires_grad_()
        penalty = r1_penalty(self.critic(self.augment(real)), real)
        update(self.optimise_d, penalty * (self.gamma / 2 * R1_EVERY))
        return penalty

    def path_step(self) -> Tensor:
        ws = mixed_styles(self.generator, max(1, self.batch // 2))
        lengths = path_lengths(self.generator.synthesis(ws, "random"), ws)
        self.mean_length = self.mean_length.lerp(lengths.mean().detach(), PATH_DECAY)
        penalty = (lengths - self.mean_length).square().mean()
        update(self.optimise_g, penalty * (PATH_WEIGHT * PATH_EVERY))
        return penalty

    @torch.no_grad()
    def follow(self) -> None:
        """The moving averages of the weights and of w."""
        half_life = min(EMA_PICTURES, EMA_RAMP * self.taken * self.batch)
        decay = 0.5 ** (self.batch / max(half_life, 1e-8))
        for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
        mapping = self.generator.mapping
        w = mapping(torch.randn(self.batch, mapping.config.z_dim, device=mapping.w_avg.device))[:, 0]
        mapping.w_avg.lerp_(w.mean(dim=0), 0.005)
        self.average.mapping.w_avg.copy_(mapping.w_avg)


def train(pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model:
    """Train from scratch, or from another animal's network; then learn what age is in it."""
    torch.manual_seed(options.seed)
    model = StyleGan2Ada(options).to(pets.device)
    model.average.load_state_dict(copy.deepcopy(model.generator_trained.state_dict()))
    game = _Game(model, pets, options)

    def learn_age() -> None:
        known = (min(_LABELLED, int((pets.groups == group).sum())) for group in (YOUNG, ADULT))
        chosen = (pets.of_age(group, count) for group, count in zip((YOUNG, ADULT), known, strict=True))
        model.learn_age(*(batch.pictures for batch in chosen))

    Run(options, pets.shown, out).train(model, lambda _: game.step(), finish=learn_age)
    return model
