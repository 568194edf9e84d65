"""Put the rejuvenated face back into the whole photo without a visible seam.

Only what the edit changed is pasted. Where it changed nothing, the photo keeps its own pixels, however much finer they
are; where a structure moved, the edited picture replaces the photo. Drifts of colour and light at the border of the
crop are removed as a smooth membrane over the whole crop (after Pérez, Gangnet and Blake, "Poisson Image Editing",
2003, at coarse resolution only), and an oval mask feathers the rest. An edit that ends at the border by itself needs
neither.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.images.filters import smooth_ramp
from engine.images.pixels import Pixels
from engine.vision.alignment import Alignment

Floats = NDArray[np.float32]

MEMBRANE_SIDE = 64  # px, at which the drift at the border is measured and spread: it is smooth
OVAL_EXPONENT = 2.6  # of the superellipse |x|^p + |y|^p: rounder than a square, fuller than an ellipse
FADE = (0.68, 0.97)  # of half the crop's side, from where to where the mask fades
REPLACED = (1.5, 9.0)  # levels of 255: smaller changes are added to the photo, larger ones replace it


def paste_back(
    photo: Image.Image, edited: Pixels, before: Pixels, alignment: Alignment, *, feathered: bool = False
) -> Image.Image:
    """Put an edited crop back into its photo; returns the photo at its own size.

    `before` and `edited` [S, S, 3] are the crop that `alignment` cuts from the photo, of any S, unedited and
    edited. `feathered`: the edit changes nothing at the crop's border. Outside the crop, and everywhere if nothing was
    edited, the photo is unchanged to the bit.
    """
    photo = photo.convert("RGB")
    side = before.shape[0]
    change = edited.astype(np.float32) - before.astype(np.float32)
    mask = np.ones((side, side, 1), np.float32) if feathered else _oval(side)
    if not feathered:
        change -= _membrane(change, mask)
    moved = smooth_ramp(_softened(np.abs(change).max(axis=2, keepdims=True), side // 40 + 1), *REPLACED)

    at = alignment.scaled(side)
    box = _box(at, photo.size)
    if box[0] >= box[2] or box[1] >= box[3]:
        return photo
    region = np.asarray(photo.crop(box), np.float32)
    layers = np.dstack([change, before.astype(np.float32), moved, mask])
    placed = _placed(layers, at, box)
    change, shown, moved, mask = placed[..., :3], placed[..., 3:6], placed[..., 6:7], placed[..., 7:]
    blended = region + mask.clip(0, 1) * (change + moved.clip(0, 1) * (shown - region))
    photo.paste(Image.fromarray(blended.round().clip(0, 255).astype(np.uint8)), box[:2])
    return photo


def _oval(side: int) -> Floats:
    """[side, side, 1]: 1 over the face, 0 at the crop's border."""
    across = np.abs((np.arange(side) + 0.5) / side * 2 - 1) ** OVAL_EXPONENT
    reach = (across[:, None] + across[None, :]) ** (1 / OVAL_EXPONENT)
    return 1 - smooth_ramp(reach[..., None].astype(np.float32), *FADE)


def _softened(values: Floats, radius: int) -> Floats:
    """`values` [S, S, C], smoothed over about `radius` px."""
    side = values.shape[0]
    return _resized(_resized(values, max(side // radius, 1)), side)


def _resized(values: Floats, side: int) -> Floats:
    """Square values [S, S, C] at another size: averaged when shrinking, bicubic when growing."""
    how = Image.Resampling.BOX if side < values.shape[0] else Image.Resampling.BICUBIC
    return _by_channel(values, lambda channel: channel.resize((side, side), how))


def _by_channel(values: Floats, change: Callable[[Image.Image], Image.Image]) -> Floats:
    """Values [H, W, C] with each channel changed as a picture of its own."""
    channels = [Image.fromarray(np.ascontiguousarray(channel)) for channel in np.moveaxis(values, 2, 0)]
    return np.dstack([np.asarray(change(channel)) for channel in channels])


def _membrane(change: Floats, mask: Floats) -> Floats:
    """[S, S, 3]: the change at the border, where `mask` [S, S, 1] fades, continued smoothly over the face."""
    known = 1 - _resized(mask, MEMBRANE_SIDE)
    return _resized(_filled(_resized(change, MEMBRANE_SIDE), known**2), change.shape[0])


def _filled(values: Floats, weight: Floats) -> Floats:
    """`values` [S, S, C] kept where `weight` [S, S, 1] is 1, and filled from around where it is 0.

    Averages of what is known go up a pyramid and fill the holes on the way down.
    """
    side = values.shape[0]
    if side == 1:
        return values
    quads = weight.reshape(side // 2, 2, side // 2, 2, 1)
    total = quads.sum((1, 3))
    sums = (values * weight).reshape(side // 2, 2, side // 2, 2, -1).sum((1, 3))
    above = _filled(sums / np.maximum(total, 1e-6), np.minimum(total, 1))
    up = _by_channel(above, lambda channel: channel.resize((side, side), Image.Resampling.BILINEAR))
    return weight * values + (1 - weight) * up


def _box(alignment: Alignment, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a photo of `size` that the crop covers, in whole pixels."""
    ends = (0, alignment.size)
    corners = np.array([alignment.to_photo((x, y)) for x in ends for y in ends])
    low, high = np.floor(corners.min(0)), np.ceil(corners.max(0))
    left, top = (max(int(v), 0) for v in low)
    return left, top, min(int(high[0]), size[0]), min(int(high[1]), size[1])


def _placed(layers: Floats, alignment: Alignment, box: tuple[int, int, int, int]) -> Floats:
    """Layers [S, S, C] of the crop as they lie in the photo's `box`: [height, width, C], 0 outside the crop."""
    # A crop finer than the photo is shrunk first, as the affine transform alone would alias.
    side = alignment.size
    if alignment.scale > 1:
        side = max(round(side / alignment.scale), 1)
    matrix = alignment.scaled(side).matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ np.array(box[:2])
    size = (box[2] - box[0], box[3] - box[1])

    def place(layer: Image.Image) -> Image.Image:
        if side != alignment.size:
            layer = layer.resize((side, side), Image.Resampling.LANCZOS)
        return layer.transform(size, Image.Transform.AFFINE, tuple(matrix.ravel()), Image.Resampling.BICUBIC)

    return _by_channel(layers, place)
