"""The methods by name, in the order of the study page."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from engine.lab.methods.datasets import PetPictures
from engine.lab.methods.training_loop import MethodOptions, Model, load_weights, read_record

# Method: (its class, pictures of a batch). In few minutes, many small steps learn more than few large ones.
METHODS = {
    "mean_picture": ("MeanPicture", 8),
    "gan": ("Gan", 8),
    "conditional_gan": ("ConditionalGan", 8),
    "age_cgan": ("AgeCgan", 8),
    "cyclegan": ("CycleGan", 4),
    "stargan": ("StarGan", 8),
    "dual_cgan": ("DualCgan", 4),
    "pfa_gan": ("PfaGan", 8),
    "stylegan2_ada": ("StyleGan2Ada", 8),
    "pix2pix": ("Pix2Pix", 8),
}


class Training(Protocol):
    """What the `train` of every method is."""

    def __call__(self, pets: PetPictures, options: MethodOptions, out: Path | None = None) -> Model: ...


def training_of(method: str) -> Training:
    """The `train` of the method's module."""
    train: Training = import_module(f"engine.lab.methods.{method}").train
    return train


def load_model_of(folder: Path) -> Model:
    """The model of a training's folder, ready to use. Raises OSError where nothing has been trained."""
    options = read_record(folder).options
    build: Callable[[MethodOptions], Model] = getattr(
        import_module(f"engine.lab.methods.{options.method}"), METHODS[options.method][0]
    )
    return load_weights(build(options), folder)
