"""A portrait's film shows what its stills show, from the right end."""

import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.images import decoding
from engine.images.jpeg import encode_jpeg
from engine.images.tensors import to_pixels, to_tensor
from engine.inversion.state import InvertedPhoto, PortraitState
from engine.lab.drawn_pets.parameters import sample_pets
from engine.lab.drawn_pets.renderer import heads_of, render
from engine.messages import Head, Point, Species
from engine.rendering.edited_portrait import EditedPortrait, TwoPhotoPortrait
from engine.rendering.faces import face_of, faces_of
from engine.rendering.morphed_portrait import MorphedPortrait
from engine.rendering.portrait_renderer import PortraitRenderer, portrait_of
from engine.rendering.warped_portrait import WarpedPortrait
from engine.stylegan.generator import UNADJUSTED, Adjustments
from engine.stylegan.store import STORYBOOK, Network, load_embedded
from engine.vision.cropping import SIDE
from engine.vision.head_parsing import ParsedHead
from tests.engine.parsed_faces import adult_of


@pytest.fixture(scope="module")
def network() -> Network:
    return load_embedded()


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _known_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The head parser was not trained on drawn pets: their parts are told."""

    def parsed(photo: Image.Image, head: Head) -> ParsedHead:
        return adult_of(photo, head, Species.DOG)

    monkeypatch.setattr("engine.rendering.faces.parse_head", parsed)


def inverted(
    network: Network, seed: int, marked: bool = True, breed: str = "beagle", close: bool = False
) -> InvertedPhoto:
    """A drawn pet, not searched: the mean of w stands for it. `close`: the photo is hardly more than the head."""
    pet = sample_pets([breed], torch.Generator().manual_seed(seed))
    photo, drawn = Image.fromarray(to_pixels(render(pet, SIDE))), heads_of(pet, SIDE)[0]
    if close:
        x0, y0, x1, y1 = (round(side) for side in drawn.box)
        corner = max(x0 - 20, 0), max(y0 - 20, 0)
        photo = photo.crop((*corner, min(x1 + 20, SIDE), min(y1 + 20, SIDE)))
        drawn = moved(drawn, corner)
    head: Head | None = drawn if marked else None
    ws = network.statistics.mean.expand(1, network.generator.config.num_ws, -1)
    ws = ws + 0.1 * torch.randn(ws.shape, generator=torch.Generator().manual_seed(seed))
    return InvertedPhoto(encode_jpeg(photo), head, ws, Adjustments(), 0.0, 0)


def moved(head: Head, corner: tuple[int, int]) -> Head:
    """A head in a photo of which only what is right of and below the corner is left."""
    x, y = corner

    def there(point: Point | None) -> Point | None:
        return point and (point[0] - x, point[1] - y)

    x0, y0, x1, y1 = head.box
    eyes = there(head.left_eye), there(head.right_eye)
    return Head((x0 - x, y0 - y, x1 - x, y1 - y), *eyes, there(head.nose), head.score)


def drawn_portrait(
    network: Network, age: float, baby: bool = False, marked: bool = True, close: bool = False
) -> PortraitRenderer:
    pet = inverted(network, 1, marked, close=close)
    young = inverted(network, 2, marked, close=close) if baby else None
    state = PortraitState(STORYBOOK, "", Species.DOG, "beagle", (), pet, young)
    return portrait_of(faces_of(state, network), age_vector(network), age)


def age_vector(network: Network) -> Tensor:
    """Some direction: [num_ws, w_dim]."""
    return torch.full((network.generator.config.num_ws, network.statistics.mean.shape[0]), 0.05)


@pytest.mark.parametrize("age", [1.0, -1.0, 1.6])
def test_between_what_is_drawn_the_film_shows_what_would_be_drawn(network: Network, age: float) -> None:
    portrait = drawn_portrait(network, age)
    source = portrait.film_source()
    ages, pictures, show = source.ages, source.pictures, source.show
    assert ages[0] == 0.0 and ages[-1] == pytest.approx(age)
    assert len(pictures) == len(ages)
    now = show(0.0)
    for share in (0.0, 0.1, 0.37, 0.8, 1.0):
        drawn = portrait.window.of(portrait.at(share * age))
        assert (show(share * age) - drawn).abs().mean() < 0.003
        assert share < 0.3 or (drawn - now).abs().mean() > 0.01


@pytest.mark.parametrize(("age", "baby", "ends"), [(1.0, True, (1.0, 0.0)), (-0.5, False, (0.0, -0.5))])
def test_the_film_begins_where_the_way_does(
    network: Network, age: float, baby: bool, ends: tuple[float, float]
) -> None:
    portrait = drawn_portrait(network, age, baby, marked=False)
    source = portrait.film_source()
    ages, pictures, show = source.ages, source.pictures, source.show
    assert (ages[0], ages[-1]) == ends
    torch.testing.assert_close(pictures[:1], portrait.draw([ends[0]]), atol=1e-3, rtol=0)
    torch.testing.assert_close(pictures[-1:], portrait.draw([ends[1]]), atol=1e-3, rtol=0)
    torch.testing.assert_close(show(ends[0]), portrait.window.of(portrait.at(ends[0])))


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("baby", [True, False])
def test_a_film_leads_from_one_photo_to_the_other_or_from_today_to_the_still(
    network: Network, baby: bool, marked: bool
) -> None:
    portrait = drawn_portrait(network, 1.0, baby, marked, close=True)
    assert (portrait.window.side > SIDE) is marked
    source = portrait.film_source()
    assert source.ages[0] == (1.0 if baby else 0.0)
    now = to_tensor(portrait.window.of_pixels(portrait.now))
    assert source.show(0.0).shape == now.shape == (1, 3, SIDE, SIDE)
    assert (source.show(0.0) - now).abs().mean() < 0.01
    assert (portrait.then is not None) is baby
    young = to_tensor(portrait.window.of_pixels(portrait.still() if portrait.then is None else portrait.then))
    assert (source.show(1.0) - young).abs().mean() < 0.01 < (young - now).abs().mean()
    assert portrait.whole().size == decoding.decode(inverted(network, 1, close=True).photo).size


@pytest.mark.parametrize("baby", [False, True])
def test_the_still_is_what_todays_photo_foretells_with_a_baby_photo_or_without(network: Network, baby: bool) -> None:
    portrait = drawn_portrait(network, 1.0, baby)
    assert isinstance(portrait, MorphedPortrait if baby else WarpedPortrait)
    expected = drawn_portrait(network, 1.0).still()
    assert (to_tensor(portrait.still()) - to_tensor(expected)).abs().mean() < 0.01


@pytest.mark.parametrize(("species", "bluer"), [(Species.CAT, True), (Species.DOG, False)])
def test_kittens_have_blue_eyes_and_puppies_their_own(network: Network, species: Species, bluer: bool) -> None:
    pet = inverted(network, 3, breed="tabby")  # for both, as only the species is to make a difference
    assert pet.head is not None and pet.head.left_eye is not None
    no_way = torch.zeros(network.generator.config.num_ws, network.statistics.mean.shape[0])
    state = PortraitState(STORYBOOK, "", species, "", (), pet, None)
    portrait = portrait_of(faces_of(state, network), no_way, 1.0)
    x, y = (round(place) for place in pet.head.left_eye)

    def blue(age: float) -> float:
        """How much more blue than red there is in the left eye."""
        eye = portrait.at(age)[0, :, y - 20 : y + 20, x - 20 : x + 20].mean((1, 2))
        return float(eye[2] - eye[0])

    assert blue(0.4) == pytest.approx(blue(0.0), abs=0.08)
    assert (blue(1.0) > blue(0.0) + 0.15) is bluer


def test_another_age_of_the_same_faces_is_what_it_would_be_anew(network: Network) -> None:
    pet, vector = inverted(network, 1), age_vector(network)
    state = PortraitState(STORYBOOK, "", Species.DOG, "beagle", (), pet, None)
    faces = faces_of(state, network)
    for age in (1.0, 0.5, -1.0):
        again, anew = (portrait_of(one, vector, age) for one in (faces, faces_of(state, network)))
        assert (again.still() == anew.still()).all()
        assert again.whole().tobytes() == anew.whole().tobytes()


def test_adjusted_the_network_draws_the_photo_and_the_adjustments_grow_along(network: Network) -> None:
    face = face_of(inverted(network, 1), network, Species.DOG, "")
    side = network.generator.config.img_resolution
    photo, vector = face.tensor(face.crop(side)), age_vector(network)

    def off(age: float, adjustments: Adjustments) -> float:
        return float((face.draw([age], vector, adjustments) - photo).abs().mean())

    with torch.no_grad():
        assert off(0.0, face.adjustments(0.0)) < 0.02 < off(0.0, UNADJUSTED)
        assert off(1.0, face.adjustments(1.0)) > off(0.0, face.adjustments(0.0))
        grown, resting = (face.draw([1.0], vector, face.adjustments(age)) for age in (1.0, 0.0))
    assert (grown - resting).abs().mean() > 0.01


@pytest.mark.parametrize(
    ("marked", "baby", "kind"),
    [
        (True, False, WarpedPortrait),
        (False, False, EditedPortrait),
        (True, True, MorphedPortrait),
        (False, True, TwoPhotoPortrait),
    ],
)
def test_photos_whose_parts_are_known_are_warped_and_the_others_edited(
    network: Network, marked: bool, baby: bool, kind: type
) -> None:
    assert type(drawn_portrait(network, 0.5, baby, marked)) is kind
