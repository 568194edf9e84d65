"""Measure how well a photo shows a head, before any work is done: what would make the result weaker, and by how much.

All is measured in the aligned face, at the photo's own size where that is smaller. The limits were set on the photos of
dogs and cats that were annotated by hand; what they say of each is in `tests/engine/vision/test_photo_quality.py`.
"""

from functools import cached_property

import numpy as np
from PIL import Image

from engine.messages import Head, HeadQuality, PhotoIssue
from engine.vision.alignment import EYE_DISTANCE, FaceTemplate, HeadPose, align, head_pose
from engine.vision.head_parsing import LANDMARKS, SIDE, ParsedHead, parse_aligned

_FAR = 32.0  # px of the photo between the eyes, below which a face is soft however it is drawn
_NEAR = 64.0  # px from which more shows no more
_TURNED = 0.42  # eye distances of the nose aside; a head seen from the front has less than 0.2
_LEAST_SIDE = 64  # px at which sharpness is still told
_SHARP = 0.75  # strongest edges over the contrast; sharp photos have more than 1, blurred ones less than 0.7
_DARK = 90.0  # levels of 255: in a photo taken in the dark nine of ten places are darker, in the face too
_EYES_OPEN = 0.3  # probability; closed and narrow eyes have less
_SEEN = 0.8  # probability of the parts of an eye or of the nose that are not hidden
_PARTS = ("eye_left", "eye_right", "nose")  # that have to be seen
_INNER = (0.25, 0.3, 0.75, 0.75)  # of the aligned face: left, top, right and bottom of what is all face
_UNUSABLE = 0.1  # factor to the quality of what is refused


def measure_quality(image: Image.Image, head: Head) -> tuple[HeadQuality, ParsedHead]:
    """Measure one head of an upright RGB photo; returns what was seen of it, too."""
    view = _FaceView(image, head)
    factors = view.factors
    found = [issue for issue in view.issues if issue in factors]
    usable = head_pose(head) is not HeadPose.PROFILE
    quality = float(np.prod(list(factors.values()))) * (1 if usable else _UNUSABLE)
    return HeadQuality(usable, quality, tuple(sorted(found, key=lambda issue: factors[issue]))), view.parsed


class _FaceView:
    """What is measured of one head."""

    def __init__(self, image: Image.Image, head: Head) -> None:
        self._image, self._head = image, head
        self._aligned = align(image, head, FaceTemplate.STORYBOOK, SIDE)
        self.parsed: ParsedHead = parse_aligned(self._aligned)

    @property
    def issues(self) -> set[PhotoIssue]:
        profile = head_pose(self._head) is HeadPose.PROFILE
        turned = profile or self._aside > _TURNED
        said = {
            PhotoIssue.FAR: self._eye_distance < _FAR,
            PhotoIssue.TURNED: turned,
            PhotoIssue.BLURRY: self._sharpness < _SHARP,
            PhotoIssue.DARK: self._light < _DARK,
            # An eye on the far side of a turned head is not covered by anything.
            PhotoIssue.COVERED: not turned and self._seen < _SEEN,
            PhotoIssue.EYES_CLOSED: not profile and self._seen >= _SEEN and self.parsed.eyes_open < _EYES_OPEN,
        }
        return {issue for issue, present in said.items() if present}

    @property
    def factors(self) -> dict[PhotoIssue, float]:
        """What each measure leaves of the quality, 0..1."""
        return {
            PhotoIssue.FAR: min(1.0, self._eye_distance / _NEAR),
            PhotoIssue.TURNED: min(1.0, max(0.1, 1.1 - self._aside)),
            PhotoIssue.BLURRY: min(1.0, max(0.05, self._sharpness)),
            PhotoIssue.DARK: min(1.0, max(0.1, self._light / (1.5 * _DARK))),
            PhotoIssue.COVERED: 0.3 + 0.7 * self._seen,
            PhotoIssue.EYES_CLOSED: 0.4 + 0.6 * self.parsed.eyes_open,
        }

    @property
    def _eye_distance(self) -> float:
        """Pixels of the photo between the eyes."""
        return EYE_DISTANCE * SIDE / self.parsed.alignment.scale

    @property
    def _aside(self) -> float:
        """How far the nose lies aside of the middle between the eyes, in distances between the eyes."""
        nose = self.parsed.landmarks[[LANDMARKS.index(f"nose_{side}") for side in ("left", "right")], 0].mean()
        return abs(float(nose) - SIDE / 2) / (EYE_DISTANCE * SIDE)

    @property
    def _seen(self) -> float:
        """Probability that both eyes and the nose are not hidden."""
        groups = ([i for i, name in enumerate(LANDMARKS) if name.startswith(part)] for part in _PARTS)
        return min(float(self.parsed.visible[group].mean()) for group in groups)

    @cached_property
    def _inner(self) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        """The luma of what is all face, [h, w], at most as large as in the photo."""
        side = min(SIDE, max(_LEAST_SIDE, round(self._eye_distance / EYE_DISTANCE)))
        smaller = side < SIDE
        crop = (align(self._image, self._head, FaceTemplate.STORYBOOK, side) if smaller else self._aligned).crop
        face = Image.fromarray(crop)
        left, top, right, bottom = (round(part * side) for part in _INNER)
        return np.asarray(face.convert("L").crop((left, top, right, bottom)), np.float32)

    @property
    def _sharpness(self) -> float:
        """The strongest edges against the contrast of the face."""
        face = self._inner
        around = face[:-2, 1:-1] + face[2:, 1:-1] + face[1:-1, :-2] + face[1:-1, 2:]
        edges = np.abs(4 * face[1:-1, 1:-1] - around)
        return float(np.percentile(edges, 98) / max(float(face.std()), 1.0))

    @cached_property
    def _light(self) -> float:
        """The brighter of face and photo, as the level that one place in ten exceeds."""
        small = self._image.convert("L").reduce(max(1, min(self._image.size) // 200))
        return float(max(np.percentile(self._inner, 90), np.percentile(np.asarray(small), 90)))
