"""What all methods share: options, the model's interface, the loop with its log, checkpoints and sample sheets."""

import csv
import json
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.device import quick_dtype
from engine.images.tensors import to_pixels
from engine.lab.methods.path_length import LatentSpace

_log = logging.getLogger(__name__)

SAMPLED_AT = (0.0, 0.03, 0.1, 0.3, 0.6, 1.0)  # shares of the training after which samples are drawn
_LOG_EVERY = 20  # steps
_CALIBRATION = 0.02  # of the minutes: then the speed is known, and with it how many steps the minutes allow
_NOT_OF_THE_RESULT = ("discriminator", "critic", "estimator")  # networks that only a training needs

Step = Callable[[float], dict[str, Tensor]]  # from the share of the training done to losses


@dataclass(frozen=True, slots=True)
class MethodOptions:
    """How a method is trained. The same options with `steps` given yield the same weights on one machine."""

    method: str
    resolution: int = 64
    width: int = 32  # channels of the first layers; deeper ones have more
    batch: int = 8
    minutes: float = 6.0  # of one core's own time, whatever else the machine does; on a GPU, of wall time
    steps: int | None = None  # None: as many as the minutes allow
    seed: int = 0
    learning_rate: float = 2e-4
    variant: str = ""  # such as "minimax"; "": what the paper recommends
    start: str = ""  # folder of a trained model to go on from, such as of another animal; "": from nothing


class Model(nn.Module, ABC):
    """A trained method."""

    @abstractmethod
    def younger(self, faces: Tensor, age: float = 1.0) -> Tensor:
        """The same pets at another age: pictures [N, 3, R, R] in -1..1 to the like; age 0 adult, 1 eight weeks.

        Methods that know one age only give that one.
        """

    def samples(self, faces: Tensor) -> Tensor:
        """What the sheets of a training show, as many pictures as faces: by default the faces, younger."""
        return self.younger(faces)

    def latent_spaces(self) -> dict[str, LatentSpace]:
        """By the name of the space, "z" or "w"; empty for methods that take pictures in."""
        return {}

    def size(self) -> int:
        """Parameters of what makes the result, without what only the training needs."""
        parameters = self.named_parameters()
        return sum(p.numel() for name, p in parameters if not name.startswith(_NOT_OF_THE_RESULT))

    @property
    def device(self) -> torch.device:
        state: dict[str, Tensor] = self.state_dict()
        return next(iter(state.values())).device


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """What a training took."""

    options: MethodOptions
    steps: int
    seconds: float  # see `MethodOptions.minutes`
    parameters: int

    @property
    def pictures_a_second(self) -> float:
        return self.steps * self.options.batch / max(self.seconds, 1e-9)


def quick(device: torch.device) -> torch.autocast:
    """Let convolutions compute in bfloat16 where the hardware has it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=quick_dtype(device) is torch.bfloat16)


def exact(device: torch.device) -> torch.autocast:
    """Compute in float32 within `quick`: gradients of gradients need it."""
    return torch.autocast(device.type, enabled=False)


def falling(progress: float) -> float:
    """The learning rate's factor: constant over the first half, then linearly to nothing (Zhu et al. 2017)."""
    return min(1.0, 2 * (1 - progress))


def adam(rate: float, *networks: nn.Module, betas: tuple[float, float] = (0.5, 0.999)) -> torch.optim.Adam:
    """One optimiser of several networks; the betas are those of DCGAN, which most papers kept."""
    return torch.optim.Adam([p for network in networks for p in network.parameters()], rate, betas)


def set_rate(optimisers: Iterable[torch.optim.Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate


def update(optimiser: torch.optim.Optimizer, loss: Tensor) -> Tensor:
    """One step down the loss; returns it without its graph."""
    optimiser.zero_grad(set_to_none=True)
    # Of the other player's weights, which the loss passes through, no gradients are needed.
    torch.autograd.backward(loss, inputs=[p for group in optimiser.param_groups for p in group["params"]])
    optimiser.step()
    return loss.detach()


class Run:
    """One training in its folder: ``losses.csv``, ``samples-00.png`` …, ``model.safetensors``, ``training.json``."""

    def __init__(self, options: MethodOptions, shown: Tensor | None, out: Path | None) -> None:
        self.options, self._shown, self._out = options, shown, out
        self._rows: list[dict[str, float]] = []
        self._sums: dict[str, list[Tensor]] = {}
        self._sampled = 0
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)

    def train(self, model: Model, step: Step, finish: Callable[[], None] | None = None) -> TrainingRecord:
        """Repeat `step` for as many steps as the options say, and leave the model ready to use.

        `finish` is what remains to do after the last step.
        """
        total, taken, busy = self.options.steps, 0, 0.0
        if self.options.start:
            model.load_state_dict(load_file(Path(self.options.start) / "model.safetensors"))
        model.train()
        clock = time.process_time if model.device.type == "cpu" else time.perf_counter
        while True:
            progress = taken / total if total else 0.0
            self._sample(model, progress)
            if total is not None and taken >= total:
                break
            started = clock()
            with quick(model.device):
                losses = step(progress)
            taken += 1
            busy += clock() - started
            self._note(taken, busy, losses)
            if total is None and busy > self.options.minutes * 60 * _CALIBRATION:
                total = max(taken, round(taken * self.options.minutes * 60 / busy))
        model.eval()
        if finish is not None:
            finish()
        self._sample(model, 1.0)
        record = TrainingRecord(self.options, taken, busy, model.size())
        self._save(model, record)
        return record

    def _note(self, taken: int, seconds: float, losses: dict[str, Tensor]) -> None:
        for name, value in losses.items():
            self._sums.setdefault(name, []).append(value.detach())
        if taken % _LOG_EVERY:
            return
        row = {name: float(torch.stack(values).mean()) for name, values in self._sums.items()}
        self._rows.append({"step": taken, "seconds": round(seconds, 1)} | row)
        self._sums.clear()
        _log.info("%s", " ".join(f"{name} {value:.4g}" for name, value in self._rows[-1].items()))

    @torch.no_grad()
    def _sample(self, model: Model, progress: float) -> None:
        """A strip of samples, each time another moment of `SAMPLED_AT` has come."""
        if self._out is None or self._shown is None:
            return
        if self._sampled >= len(SAMPLED_AT) or progress < SAMPLED_AT[self._sampled]:
            return
        learning = model.training
        model.eval()
        with torch.random.fork_rng(devices=[]):  # what is looked at changes nothing of what is learned
            strip = torch.cat(list(model.samples(self._shown.to(model.device))), dim=-1)
        Image.fromarray(to_pixels(strip[None])).save(self._out / f"samples-{self._sampled:02}.png")
        model.train(learning)
        self._sampled += 1

    def _save(self, model: Model, record: TrainingRecord) -> None:
        if self._out is None:
            return
        state = {name: value.contiguous() for name, value in model.state_dict().items()}
        save_file(state, self._out / "model.safetensors")
        (self._out / "training.json").write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        names = list(dict.fromkeys(name for row in self._rows for name in row))
        with (self._out / "losses.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self._rows)


def read_record(folder: Path) -> TrainingRecord:
    """What `Run` wrote into its folder. Raises OSError where nothing has been trained."""
    stored = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    return TrainingRecord(**stored | {"options": MethodOptions(**stored["options"])})


def load_weights(model: Model, folder: Path) -> Model:
    """The model with a checkpoint's weights, frozen."""
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval().requires_grad_(False)
