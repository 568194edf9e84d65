"""Faces at other ages as drawn pets grow: by the infant schema, stronger than real animals do.

Larger eyes, a shorter and smaller muzzle, a taller forehead, rounder cheeks, smaller ears (Paul 2023, Hattori 2022,
Geiger 2017), and a softer coat. Drawn pets and photos grown like this taught the embedded network its age axis. How far
was chosen by eye, and corrected by a displacement field found through an age classifier, which lies beside this module.
Portraits follow growth measured on real animals instead (`engine.growth.growth_model`).

Places are on the face plane (`engine.growth.face_plane`).
"""

from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from engine.growth.face_plane import face_plane
from engine.images.filters import gaussian_blur, smoothstep
from engine.lab.drawn_pets.landmarks import Landmarks
from engine.vision.alignment import EYE_DISTANCE, EYE_HEIGHT

CORRECTION_SIDE = 12  # control points of the correction, across and down
_CORRECTED = 1.9  # units from between the eyes, where the correction has faded to nothing
_EYES_TO_NOSE = 0.65  # units, in a face as the correction knows it

# A young coat is shorter and softer: the strands of its hair fade, but not what is finer, or it would look soaped.
_STRANDS = 0.01  # of a picture's side, σ: what is averaged over this is no strand any more
_FINER = 0.0018  # and over this, still all of it
_OUTLINE = 0.28  # what is averaged changes by this, of the range 2 of a picture, within σ: rather an outline than hair
_WET = 0.3  # units, radius of eyes and nose
_CHIN = 0.75  # units below the nose, where a head ends
_HALF_WIDE = 1.4  # units, of a head
_BESIDE = 1.3  # of its radius, from where on nothing is head any more
_NOSE_RISES = 0.32  # share of the way to the eyes at age 1
_NOSE_ASIDE = 0.1  # and to the middle


def _gauss(x: Tensor, width: Tensor | float) -> Tensor:
    return torch.exp(-0.5 * (x / width).square())


def source_points(points: Tensor, marks: Landmarks, ages: Tensor, correction: Tensor | None = None) -> Tensor:
    """Where the faces at `ages` take their points from.

    points [H, W, 2] on the plane; ages [N], 0 for today, 1 eight weeks old, below 0 older. `correction` is as in
    `learned_correction`, which is taken without it. Returns [N, H, W, 2].
    """
    correction = learned_correction() if correction is None else correction
    return _anatomical_warp(points, marks, ages) + _corrections(points, marks, ages, correction)


@cache
def learned_correction() -> Tensor:
    """What an age classifier found missing: [2, 2, CORRECTION_SIDE, CORRECTION_SIDE], of dogs and of cats.

    Ways (x, y) on the plane at age 1, at control points that lie evenly over a face whose marks are at usual places.
    """
    return load_file(Path(__file__).with_name("drawn-growth.safetensors"))["correction"]


def _corrections(points: Tensor, marks: Landmarks, ages: Tensor, correction: Tensor) -> Tensor:
    """[N, H, W, 2]: the correction moved, turned and stretched as the marks of each face are; none for older ages."""
    left, right = marks.eyes.unbind(dim=1)
    middle = (left + right) / 2
    across = (right - left)[:, 0].clamp(min=0.25)  # eyes are level here; however they are marked, no face is flat
    down = (marks.nose - middle) / _EYES_TO_NOSE
    down = torch.stack([down[:, 0], down[:, 1].clamp(min=0.5)], dim=-1)
    across = torch.stack([across, torch.zeros_like(across)], dim=-1)
    stretched = torch.stack([across, down], dim=-1)  # [N, 2, 2], from the usual face to this one
    usual = (points - middle[:, None, None]) @ torch.linalg.inv(stretched).transpose(1, 2)[:, None]
    control = correction.to(points)[marks.cats.long()]
    ways = F.grid_sample(control, usual / _CORRECTED, mode="bicubic", padding_mode="border", align_corners=True)
    fading = (1 - (usual / _CORRECTED).square().sum(dim=-1, keepdim=True)).clamp(min=0)
    ways = ways.permute(0, 2, 3, 1) * fading * ages.clamp(min=0)[:, None, None, None]
    moved: Tensor = ways @ stretched.transpose(1, 2)[:, None]
    return moved


def _anatomical_warp(points: Tensor, marks: Landmarks, ages: Tensor) -> Tensor:
    a = ages[:, None, None]
    x, y = points[..., 0].expand(len(ages), -1, -1), points[..., 1].expand(len(ages), -1, -1)
    nx, ny = marks.nose[:, 0, None, None], marks.nose[:, 1, None, None].clamp(min=0.3)
    sx, sy = x.clone(), y.clone()

    larger = torch.where(marks.cats, 0.28, 0.36)[:, None, None] * a  # a grown cat's eyes are large already
    elsewhere = torch.ones_like(sx)
    for eye in marks.eyes.unbind(dim=1):  # eyes grow around themselves
        dx, dy = x - eye[:, 0, None, None], y - eye[:, 1, None, None]
        near = larger * torch.exp(-(dx.square() + dy.square()) / (2 * 0.23**2))
        sx, sy = sx - dx * near, sy - dy * near
        elsewhere = elsewhere * (1 - torch.exp(-(dx.square() + dy.square()) / (2 * 0.2**2)))

    moved_x, moved_y = nx * (1 - _NOSE_ASIDE * a), ny * (1 - _NOSE_RISES * a)  # the nose comes nearer to the eyes
    rise = torch.where(y < moved_y, _gauss(y - moved_y, 0.34 * ny), _gauss(y - moved_y, 0.75))
    reach = rise * _gauss(x - moved_x, 0.62) * elsewhere  # the muzzle must not pull at the eyes
    sx = sx + (nx - moved_x) * reach
    sy = sy + (ny - moved_y) * reach
    small = 0.2 * a * torch.exp(-((x - moved_x).square() + (y - moved_y).square()) / (2 * 0.27**2))
    sx = sx + (x - moved_x) * small
    sy = sy + (y - moved_y) * small

    sy = sy + 0.22 * a * _gauss(y + 0.85, 0.35) * _gauss(x, 0.85)  # the forehead rises
    ears = (-marks.top[:, None, None] - 0.95).clamp(0, 1.2)
    sy = sy - 0.32 * a * ears * _gauss(y + 0.95 + 0.8 * ears, 0.2 + 0.4 * ears)  # standing ears shrink
    cheeks = 0.11 * a * _gauss(x.abs() - 1.0, 0.38) * _gauss(y - 0.45, 0.55)  # the outline becomes rounder
    return torch.stack([sx * (1 - cheeks), sy], dim=-1)


def coat_mask(marks: Landmarks, age: float | Tensor, side: int) -> Tensor:
    """[N, 1, side, side]: what of the faces at `age` (or ages, [N]) is coat, 1, and what is an eye or the nose, 0.

    Looks change with age in the coat alone; eyes and nose stay what they are, but for the eyes' colour
    (`engine.growth.eyes`).
    """
    ages = torch.as_tensor(age, device=marks.top.device).expand_as(marks.top)
    points = face_plane(side, marks.top.device)
    nose_x, nose_y = marks.nose.unbind(dim=-1)
    nose = torch.stack([nose_x * (1 - _NOSE_ASIDE * ages), nose_y * (1 - _NOSE_RISES * ages)], dim=-1)
    wet = torch.zeros(len(marks.top), side, side, device=points.device)
    for part in (*marks.eyes.unbind(dim=1), nose):
        distance = (points - part[:, None, None]).square().sum(dim=-1)
        wet = torch.maximum(wet, torch.exp(-distance.square() / (2 * _WET**4)))
    return (1 - wet)[:, None]


def head_mask(marks: Landmarks, side: int) -> Tensor:
    """[N, 1, side, side]: what is the head, ears included, 1, and what is body or background, 0.

    Marks tell no outline; it is an ellipse of usual width, between the ears' upper end and somewhat below the nose.
    """
    x, y = face_plane(side, marks.top.device).unbind(dim=-1)
    bottom = marks.nose[:, 1].clamp(min=0.3) + _CHIN
    middle, half = (marks.top + bottom) / 2, (bottom - marks.top) / 2
    across = (x - marks.nose[:, 0, None, None] / 2) / _HALF_WIDE
    down = (y - middle[:, None, None]) / half[:, None, None]
    reach = (across.square() + down.square()).sqrt()
    share = ((_BESIDE - reach) / (_BESIDE - 1)).clamp(0, 1)
    return smoothstep(share)[:, None]


def grow(faces: Tensor, marks: Landmarks, ages: Tensor) -> Tensor:
    """Aligned faces [N, 3, R, R] in -1..1 as they would look at `ages` [N]; 0 leaves them as they are."""
    side = faces.shape[-1]
    source = source_points(face_plane(side, faces.device), marks, ages)
    grid = source * (2 * EYE_DISTANCE)
    grid = torch.stack([grid[..., 0], grid[..., 1] + 2 * EYE_HEIGHT - 1], dim=-1)
    moved = F.grid_sample(faces, grid, mode="bicubic", padding_mode="reflection", align_corners=False)
    fades = hair_fade(ages)[:, None, None, None] * coat_mask(marks, ages, side) * head_mask(marks, side)
    return torch.addcmul(moved, fades, hair_band(moved, side), value=-1).clamp(-1, 1)


def hair_fade(ages: Tensor) -> Tensor:
    """The share of a coat's strands that has faded at these ages; never more than all."""
    return ages.clamp(0, 1)


def hair_band(pictures: Tensor, side: int) -> Tensor:
    """What of pictures [N, 3, M, M] is strands of hair, where a whole face has `side` px.

    Outlines are none: without theirs, a dark head would glow before a light background.
    """
    within = _STRANDS * side
    averaged = gaussian_blur(pictures, within)
    down, across = torch.gradient(averaged * within, dim=(-2, -1))
    steepness = gaussian_blur((down.square() + across.square()).mean(dim=1, keepdim=True), within)
    return (gaussian_blur(pictures, _FINER * side) - averaged) * torch.exp(-steepness / _OUTLINE**2)
