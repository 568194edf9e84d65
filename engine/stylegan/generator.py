"""The StyleGAN2-ADA generator in plain PyTorch, for CPU and CUDA.

Written from the papers (Karras et al. 2019, "A Style-Based Generator Architecture"; 2020a, "Analyzing and
Improving the Image Quality of StyleGAN"; 2020b, "Training GANs with Limited Data"), without a compiled
extension. State dictionaries have the keys of official networks, which therefore load without translation.

Shapes: z [N, z_dim], c [N, c_dim], w [N, w_dim], ws [N, num_ws, w_dim], pictures [N, 3, R, R] with RGB in about -1..1.
"""

import math
from collections.abc import Iterator
from collections.abc import Mapping as ReadOnlyDict
from dataclasses import dataclass, field
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NoiseMode = Literal["const", "none", "random"]

SQRT2 = math.sqrt(2.0)


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """What fixes the shape of a generator; defaults are those of the official 512 px AFHQ networks."""

    z_dim: int = 512
    c_dim: int = 0
    w_dim: int = 512
    img_resolution: int = 512
    num_mapping_layers: int = 8
    channel_base: int = 32768  # channels at resolution r: channel_base / r, within channel_min and channel_max
    channel_max: int = 512
    channel_min: int = 1
    conv_clamp: float | None = 256.0

    def __post_init__(self) -> None:
        if self.img_resolution < 4 or self.img_resolution & (self.img_resolution - 1):
            raise ValueError(f"img_resolution must be a power of two of at least 4, not {self.img_resolution}")

    @property
    def resolutions(self) -> list[int]:
        """Block resolutions, 4, 8, …, R."""
        return [2**k for k in range(2, int(math.log2(self.img_resolution)) + 1)]

    @property
    def num_ws(self) -> int:
        return 2 * int(math.log2(self.img_resolution)) - 2

    def channels(self, resolution: int) -> int:
        return max(min(self.channel_base // resolution, self.channel_max), self.channel_min)


@dataclass(frozen=True, slots=True)
class LowRank:
    """A change of a convolution's weights by the product down·up (Hu et al. 2021, "LoRA", for convolutions).

    down [rank, C_in, 3, 3] and up [C_out, rank] for all samples, or both with a leading dimension of M: then each of
    the M changes serves as many samples as there are in a row, N / M.
    """

    down: Tensor
    up: Tensor


@dataclass(frozen=True, slots=True)
class FeatureOffset:
    """A change of a layer's features after their activation, for all samples: what lies where.

    It is the product of directions [C, rank] and maps [rank, H, W].
    """

    maps: Tensor
    directions: Tensor

    def drawn(self, dtype: torch.dtype) -> Tensor:
        """[1, C, H, W], channels last."""
        pixels = self.maps.to(dtype).flatten(1).t() @ self.directions.to(dtype).t()
        return _as_maps(pixels[None], *self.maps.shape[1:])


@dataclass(frozen=True, slots=True)
class Adjustments:
    """Changes to a synthesis network for one pet, or one a sample, by layer names such as ``b16.conv1``.

    `styles` [C] or [N, C] are added to the styles, `noises` [R, R] or [N, 1, R, R] replace the constant noise maps,
    `weights` are added to the convolutions, `features` to what comes of these. The network itself stays as it is.
    """

    styles: ReadOnlyDict[str, Tensor] = field(default_factory=dict)
    noises: ReadOnlyDict[str, Tensor] = field(default_factory=dict)
    weights: ReadOnlyDict[str, LowRank] = field(default_factory=dict)
    features: ReadOnlyDict[str, FeatureOffset] = field(default_factory=dict)


UNADJUSTED = Adjustments()


class FullyConnected(nn.Module):
    """A linear layer with equalised learning rate (Karras et al. 2018, section 4.1)."""

    def __init__(
        self, inputs: int, outputs: int, *, activate: bool = False, lr_multiplier: float = 1.0, bias_init: float = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.full((outputs,), float(bias_init)))
        self.weight_gain = lr_multiplier / math.sqrt(inputs)
        self.bias_gain = lr_multiplier
        self.activate = activate

    def forward(self, x: Tensor) -> Tensor:
        x = F.linear(x, self.weight * self.weight_gain, self.bias * self.bias_gain)
        return F.leaky_relu(x, 0.2) * SQRT2 if self.activate else x


def normalise(x: Tensor) -> Tensor:
    """Scale each row to a mean square of 1."""
    return x * (x.square().mean(dim=1, keepdim=True) + 1e-8).rsqrt()


class Mapping(nn.Module):
    """z (and a condition c) to ws (Karras et al. 2019, section 3)."""

    w_avg: Tensor

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        inputs = config.z_dim
        if config.c_dim:
            self.embed = FullyConnected(config.c_dim, config.w_dim)
            inputs += config.w_dim
        for i in range(config.num_mapping_layers):
            layer = FullyConnected(inputs if i == 0 else config.w_dim, config.w_dim, activate=True, lr_multiplier=0.01)
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(
        self, z: Tensor, c: Tensor | None = None, truncation_psi: float = 1.0, truncation_cutoff: int | None = None
    ) -> Tensor:
        """ws [N, num_ws, w_dim]; truncation pulls the first `truncation_cutoff` rows (all by default) to w_avg."""
        x = normalise(z.float())
        if self.config.c_dim:
            if c is None:
                raise ValueError("this network is conditional: c is needed")
            x = torch.cat([x, normalise(self.embed(c.float()))], dim=1)
        for i in range(self.config.num_mapping_layers):
            x = self.get_submodule(f"fc{i}")(x)
        ws = x.unsqueeze(1).repeat(1, self.config.num_ws, 1)
        if truncation_psi != 1.0:
            rows = ws[:, :truncation_cutoff]
            ws = torch.cat([self.w_avg.lerp(rows, truncation_psi), ws[:, rows.shape[1] :]], dim=1)
        return ws


def upsampling_filter() -> Tensor:
    """The 4x4 binomial low-pass filter, summing to 1."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    return torch.outer(taps, taps) / 64


def filter_2d(x: Tensor, kernel: Tensor, padding: tuple[int, int, int, int]) -> Tensor:
    """Depthwise correlation of x [N, C, H, W] with one kernel; padding is (left, right, top, bottom)."""
    channels = x.shape[1]
    weight = kernel.to(x.dtype).expand(channels, 1, *kernel.shape)
    if len(set(padding)) == 1:
        return F.conv2d(x, weight, padding=padding[0], groups=channels)
    return F.conv2d(F.pad(x, padding), weight, groups=channels)


def upsample_2d(x: Tensor, kernel: Tensor) -> Tensor:
    """Double the size: zero insertion, then the low-pass filter with gain 4."""
    channels = x.shape[1]
    weight = (kernel * 4).to(x.dtype).expand(channels, 1, *kernel.shape)
    # A transposed convolution inserts the zeros while it filters; the kernel is symmetric, so no flip is needed.
    return F.conv_transpose2d(x, weight, stride=2, padding=1, groups=channels)


def _as_pixels(maps: Tensor) -> Tensor:
    """[N, C, H, W], best channels last, as [N, H·W, C]."""
    return maps.permute(0, 2, 3, 1).flatten(1, 2)


def _as_maps(pixels: Tensor, height: int, width: int) -> Tensor:
    """[N, H·W, C] as [N, C, H, W], channels last."""
    return pixels.view(len(pixels), height, width, -1).permute(0, 3, 1, 2)


class StyledConvolution(nn.Module):
    """Modulated 3x3 convolution, noise, bias, activation (Karras et al. 2020a, section 2.2); may double the size."""

    noise_const: Tensor
    resample_filter: Tensor

    def __init__(self, inputs: int, outputs: int, config: GeneratorConfig, resolution: int, *, up: bool) -> None:
        super().__init__()
        self.up = up
        self.conv_clamp = config.conv_clamp
        self.affine = FullyConnected(config.w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(resolution, resolution))
        self.register_buffer("resample_filter", upsampling_filter())
        self._energy: tuple[object, Tensor] | None = None  # of frozen weights, and of which
        self._cast: dict[torch.dtype, tuple[object, Tensor]] = {}  # frozen weights by dtype, and of which

    def forward(self, x: Tensor, w: Tensor, noise_mode: NoiseMode, adjustments: Adjustments, name: str) -> Tensor:
        """x [N, C_in, H, W] and w [N, w_dim] to [N, C_out, H', W']."""
        style = self.affine(w)
        if name in adjustments.styles:
            style = style + adjustments.styles[name]
        # Scaling the activations instead of the weights keeps one convolution for the whole batch; demodulation
        # commutes with the convolution, and Σ_k W² does not depend on the sample.
        demodulation = (F.linear(style.square(), self._energies()) + 1e-8).rsqrt()
        x = self._convolve(x * style.to(x.dtype)[:, :, None, None], adjustments.weights.get(name))
        if self.up:
            x = filter_2d(x, self.resample_filter * 4, (1, 1, 1, 1))
        # lrelu is positively homogeneous: its gain of √2 goes into the scale and the shifts, which saves a pass over x.
        x = x * (demodulation * SQRT2).to(x.dtype)[:, :, None, None]
        x = x.add_(self._shift(x, noise_mode, adjustments.noises.get(name, self.noise_const)))
        x = F.leaky_relu(x, 0.2, inplace=True)
        if self.conv_clamp is not None:  # like `clamp`, in fewer passes over x: a tenth of a step of a search
            x = F.hardtanh(x, -self.conv_clamp, self.conv_clamp)
        return x + adjustments.features[name].drawn(x.dtype) if name in adjustments.features else x

    def _shift(self, x: Tensor, noise_mode: NoiseMode, noise: Tensor) -> Tensor:
        """Bias and noise, times √2, for the features x: [N or 1, C, H or 1, W or 1], channels last."""
        bias = self.bias * SQRT2
        if noise_mode == "none":
            return bias.to(x.dtype)[None, :, None, None]
        if noise_mode == "random":
            noise = torch.randn(x.shape[0], 1, *x.shape[2:], device=x.device)
        noise = noise.view(-1, *x.shape[2:], 1) * (self.noise_strength * SQRT2)
        return (noise + bias).to(x.dtype).permute(0, 3, 1, 2)

    def _convolve(self, x: Tensor, change: LowRank | None) -> Tensor:
        """The plain convolution with the weights, changed or not; a change leaves the demodulation as it was."""
        y = self._plain(x, self._weight_as(x.dtype))
        if change is None:
            return y
        # Down to the rank and up again instead of a changed weight: no gradient as large as the weight is needed.
        downs = change.down if change.down.dim() == 5 else change.down[None]
        ups = change.up if change.up.dim() == 3 else change.up[None]
        parts = x.chunk(len(downs))
        low = [self._plain(part, self._laid_out(down.to(x.dtype))) for part, down in zip(parts, downs, strict=True)]
        ups = ups.to(x.dtype).repeat_interleave(len(x) // len(ups), dim=0)
        return y + _as_maps(torch.bmm(_as_pixels(torch.cat(low)), ups.transpose(1, 2)), *y.shape[2:])

    def _plain(self, x: Tensor, weight: Tensor) -> Tensor:
        """The convolution with weights that are laid out for it."""
        return F.conv_transpose2d(x, weight, stride=2) if self.up else F.conv2d(x, weight, padding=1)

    def _laid_out(self, weight: Tensor) -> Tensor:
        """Weights [C_out, C_in, 3, 3] as the convolution takes them."""
        return weight.transpose(0, 1) if self.up else weight

    def _energies(self) -> Tensor:
        """Σ_k W² [C_out, C_in]; for frozen weights computed once."""
        if self.weight.requires_grad or torch.compiler.is_compiling():
            return self.weight.square().sum(dim=(2, 3))
        kept = self._energy  # other threads draw, too
        if kept is None or kept[0] != self._state():
            with torch.inference_mode(False):
                kept = self._energy = self._state(), self.weight.square().sum(dim=(2, 3))
        return kept[1]

    def _weight_as(self, dtype: torch.dtype) -> Tensor:
        """The weights in this dtype, laid out; of frozen ones that is done once."""
        if self.weight.requires_grad or torch.compiler.is_compiling():
            return self._laid_out(self.weight.to(dtype))
        kept = self._cast.get(dtype)  # other threads draw, too
        if kept is None or kept[0] != self._state():
            with torch.inference_mode(False):
                weight = self._laid_out(self.weight.to(dtype)).contiguous(memory_format=torch.channels_last)
                kept = self._cast[dtype] = self._state(), weight
        return kept[1]

    def _state(self) -> object:
        """Changes with the weights."""
        return self.weight.data_ptr(), self.weight._version, self.weight.device


class ToRGB(nn.Module):
    """Modulated 1x1 convolution to three colours, without demodulation."""

    def __init__(self, inputs: int, config: GeneratorConfig) -> None:
        super().__init__()
        self.conv_clamp = config.conv_clamp
        self.affine = FullyConnected(config.w_dim, inputs, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(3, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(3))
        self.gain = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor, adjustments: Adjustments, name: str) -> Tensor:
        # Three outputs are few: a product per sample is cheaper than another pass over x to modulate it.
        weight = self.colours(w, adjustments.styles.get(name)).to(x.dtype)
        pixels = torch.baddbmm(self.bias.to(x.dtype), _as_pixels(x), weight.transpose(1, 2))
        rgb = _as_maps(pixels, *x.shape[2:])
        return rgb if self.conv_clamp is None else rgb.clamp(-self.conv_clamp, self.conv_clamp)

    def colours(self, w: Tensor, change: Tensor | None = None) -> Tensor:
        """[N, 3, C]: what colour each feature has for w [N, w_dim], whose style may be changed."""
        style = self.affine(w) if change is None else self.affine(w) + change
        colours: Tensor = self.weight.flatten(1) * (style * self.gain)[:, None, :]
        return colours


class Block(nn.Module):
    """One resolution of the synthesis network with its share of the skip sum (Karras et al. 2020a, figure 7)."""

    resample_filter: Tensor

    def __init__(self, config: GeneratorConfig, resolution: int) -> None:
        super().__init__()
        outputs = config.channels(resolution)
        self.first = resolution == 4
        if self.first:
            self.const = nn.Parameter(torch.randn(outputs, 4, 4))
        else:
            self.conv0 = StyledConvolution(config.channels(resolution // 2), outputs, config, resolution, up=True)
        self.conv1 = StyledConvolution(outputs, outputs, config, resolution, up=False)
        self.torgb = ToRGB(outputs, config)
        self.register_buffer("resample_filter", upsampling_filter())

    def forward(
        self,
        x: Tensor | None,
        image: Tensor | None,
        ws: Tensor,
        noise_mode: NoiseMode,
        adjustments: Adjustments,
        name: str,
        dtype: torch.dtype,
    ) -> tuple[Tensor, Tensor]:
        """ws holds this block's rows: (conv1, torgb) at 4 px, else (conv0, conv1, torgb)."""
        rows = iter(ws.unbind(dim=1))
        if x is None:
            x = self.const.to(dtype).repeat(ws.shape[0], 1, 1, 1).contiguous(memory_format=torch.channels_last)
        else:
            x = self.conv0(x, next(rows), noise_mode, adjustments, f"{name}.conv0")
        x = self.conv1(x, next(rows), noise_mode, adjustments, f"{name}.conv1")
        rgb = self.torgb(x, next(rows), adjustments, f"{name}.torgb").float()
        image = rgb if image is None else upsample_2d(image, self.resample_filter) + rgb
        return x, image


class Synthesis(nn.Module):
    """ws to a picture."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        for resolution in config.resolutions:
            self.add_module(f"b{resolution}", Block(config, resolution))

    def forward(
        self,
        ws: Tensor,
        noise_mode: NoiseMode = "const",
        *,
        resolution: int | None = None,
        adjustments: Adjustments = UNADJUSTED,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """The picture for ws [N, num_ws, w_dim]: [N, 3, R, R] in float32.

        `resolution` stops early, at the skip sum of that block. `dtype` is that of the activations; styles,
        demodulation and the skip sum are float32 (`quick_dtype`).
        """
        x: Tensor | None = None
        image: Tensor | None = None
        for k, r in enumerate(self.config.resolutions):
            rows = ws[:, :2] if k == 0 else ws[:, 2 * k - 1 : 2 * k + 2]
            x, image = self.get_submodule(f"b{r}")(x, image, rows, noise_mode, adjustments, f"b{r}", dtype)
            if r == resolution:
                break
        if image is None:
            raise ValueError("a synthesis network has at least one block")
        return image

    def colours(self, ws: Tensor, resolution: int) -> Tensor:
        """[N, 3, C]: what colour each of the block's last features gives the picture of ws [N, num_ws, w_dim]."""
        torgb = self.get_submodule(f"b{resolution}.torgb")
        row = 2 * self.config.resolutions.index(resolution) + 1
        return cast(ToRGB, torgb).colours(ws[:, row])


class Generator(nn.Module):
    """Mapping and synthesis together."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = Mapping(config)
        self.synthesis = Synthesis(config)

    def convolutions(self, resolution: int) -> Iterator[tuple[str, StyledConvolution]]:
        """The convolutions that pictures of this resolution pass through, by name."""
        for name, module in self.synthesis.named_modules():
            if isinstance(module, StyledConvolution) and len(module.noise_const) <= resolution:
                yield name, module

    def compile_synthesis(self) -> None:
        """Let torch.compile fuse what the synthesis does, for each kind of batch when it first comes.

        Each takes tens of seconds. Kinds beyond torch's limit go on as before.
        """
        self.synthesis.compile(dynamic=False)

    def forward(
        self,
        z: Tensor,
        c: Tensor | None = None,
        truncation_psi: float = 1.0,
        truncation_cutoff: int | None = None,
        noise_mode: NoiseMode = "const",
    ) -> Tensor:
        image: Tensor = self.synthesis(self.mapping(z, c, truncation_psi, truncation_cutoff), noise_mode)
        return image
