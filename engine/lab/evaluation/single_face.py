"""Makes the portrait of one face outside the engine process: for measurements and sheets."""

from PIL import Image

from engine.inversion.session import Inversion, invert
from engine.inversion.state import PortraitState, weights_id
from engine.messages import Head, Species
from engine.rendering.faces import faces_of
from engine.rendering.portrait_renderer import PortraitRenderer, portrait_of
from engine.step_runner import result_of
from engine.stylegan.age_vectors import AgeVectors
from engine.stylegan.perceptual import PerceptualDistance
from engine.stylegan.store import Network


def make_portrait(
    image: Image.Image, head: Head | None, species: Species, breed: str, network: Network, extractor: PerceptualDistance
) -> tuple[Inversion, PortraitRenderer]:
    """Invert a face; return the inversion and the portrait at any age up to 1. `breed` is a slug, "" if unknown."""
    vector = AgeVectors().vector(network, species, breed)
    inversion = Inversion(image, head, species, network, extractor, vector)
    [inverted] = result_of(invert([inversion]))
    state = PortraitState(network.name, weights_id(network), species, breed, (), inverted, None)
    return inversion, portrait_of(faces_of(state, network), vector, 1.0)
