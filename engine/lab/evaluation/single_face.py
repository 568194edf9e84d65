"""The engine's whole way for one face, without the chat around it: for measurements and sheets."""

from PIL import Image

from engine.inversion.session import Inversion, weights_id
from engine.inversion.state import PortraitState
from engine.messages import Head, Species
from engine.rendering.portrait import PortraitRenderer
from engine.stylegan import age_vectors
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network


def portrayed(
    image: Image.Image,
    head: Head | None,
    species: Species,
    breed: str,
    network: Network,
    extractor: PerceptualDistance,
    age: float = 1.0,
) -> tuple[Inversion, PortraitRenderer]:
    """Projected, locked, and ready to be drawn at any age up to `age`. `breed` is a slug, or "" where unknown."""
    vector = age_vectors.age_vector(network, species, breed)
    sitting = Inversion(image, head, network, extractor, vector, species)
    for _ in sitting.project():
        pass
    for _ in sitting.lock():
        pass
    likeness = sitting.likeness
    if likeness is None:  # `lock` has just made it
        raise RuntimeError("no likeness after the lock")
    latent = PortraitState(network.name, weights_id(network), species, breed, (), likeness, None)
    return sitting, PortraitRenderer(latent, network, vector, age)
