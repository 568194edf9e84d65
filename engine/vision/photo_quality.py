"""Measure how well a photo shows a head, before any work is done: what would make the result weaker, and by how much.

All is measured in the aligned face, at the photo's own size where that is smaller. The limits were set on the photos of
dogs and cats that were annotated by hand; what they say of each is in `tests/engine/vision/test_photo_quality.py`.
"""

import numpy as np
from numpy.typing import NDArray
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

Luma = NDArray[np.float32]  # [h, w], 0..255, of what is all face, at most as large as in the photo


def measure_quality(image: Image.Image, head: Head) -> tuple[HeadQuality, ParsedHead]:
    """Measure one head of an upright RGB photo; returns what was seen of it, too."""
    aligned = align(image, head, FaceTemplate.STORYBOOK, SIDE)
    parsed = parse_aligned(aligned)
    eye_distance = EYE_DISTANCE * SIDE / parsed.alignment.scale  # px of the photo
    side = min(SIDE, max(_LEAST_SIDE, round(eye_distance / EYE_DISTANCE)))
    crop = align(image, head, FaceTemplate.STORYBOOK, side).crop if side < SIDE else aligned.crop
    left, top, right, bottom = (round(part * side) for part in _INNER)
    inner = np.asarray(Image.fromarray(crop).convert("L").crop((left, top, right, bottom)), np.float32)
    aside, seen = _nose_aside(parsed), _least_seen(parsed)
    sharpness, light = _sharpness(inner), _light(image, inner)
    profile = head_pose(head) is HeadPose.PROFILE
    turned = profile or aside > _TURNED
    # What each measure leaves of the quality, 0..1, and whether it is an issue.
    measured = {
        PhotoIssue.FAR: (min(1.0, eye_distance / _NEAR), eye_distance < _FAR),
        PhotoIssue.TURNED: (min(1.0, max(0.1, 1.1 - aside)), turned),
        PhotoIssue.BLURRY: (min(1.0, max(0.05, sharpness)), sharpness < _SHARP),
        PhotoIssue.DARK: (min(1.0, max(0.1, light / (1.5 * _DARK))), light < _DARK),
        # An eye on the far side of a turned head is not covered by anything.
        PhotoIssue.COVERED: (0.3 + 0.7 * seen, not turned and seen < _SEEN),
        PhotoIssue.EYES_CLOSED: (
            0.4 + 0.6 * parsed.eyes_open,
            not profile and seen >= _SEEN and parsed.eyes_open < _EYES_OPEN,
        ),
    }
    quality = float(np.prod([factor for factor, _ in measured.values()])) * (_UNUSABLE if profile else 1)
    found = [issue for issue, (_, present) in measured.items() if present]
    return HeadQuality(not profile, quality, tuple(sorted(found, key=lambda issue: measured[issue][0]))), parsed


def _nose_aside(parsed: ParsedHead) -> float:
    """How far the nose lies aside of the middle between the eyes, in distances between the eyes."""
    nose = parsed.landmarks[[LANDMARKS.index(f"nose_{side}") for side in ("left", "right")], 0].mean()
    return abs(float(nose) - SIDE / 2) / (EYE_DISTANCE * SIDE)


def _least_seen(parsed: ParsedHead) -> float:
    """Probability that both eyes and the nose are not hidden."""
    groups = ([i for i, name in enumerate(LANDMARKS) if name.startswith(part)] for part in _PARTS)
    return min(float(parsed.visible[group].mean()) for group in groups)


def _sharpness(face: Luma) -> float:
    """The strongest edges against the contrast of the face."""
    around = face[:-2, 1:-1] + face[2:, 1:-1] + face[1:-1, :-2] + face[1:-1, 2:]
    edges = np.abs(4 * face[1:-1, 1:-1] - around)
    return float(np.percentile(edges, 98) / max(float(face.std()), 1.0))


def _light(image: Image.Image, face: Luma) -> float:
    """The brighter of face and photo, as the level that one place in ten exceeds."""
    small = image.convert("L").reduce(max(1, min(image.size) // 200))
    return float(max(np.percentile(face, 90), np.percentile(np.asarray(small), 90)))
