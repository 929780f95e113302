"""The files of a made-up run: its history, and pictures of about the look and size of real ones."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
from PIL import Image

from ganbench.signals import SIGNALS

SIDE, FRAME = 480, 160
"""Pixels of a picture, and of a film's square frame."""


def history(rng: np.random.Generator, rows: int, collapses: bool, log_odds: bool) -> list[list[float]]:
    """Signals (rows, 12) that wander as real ones do; `collapses` loses diversity from the middle on."""
    walk = rng.normal(0, 0.02, (rows, len(SIGNALS))).cumsum(0) + rng.normal(0, 0.01, (rows, len(SIGNALS)))
    middle = {
        "d_loss": 1.3, "g_loss": 0.8, "d_real": 0.55, "d_fake": 0.45, "accuracy_real": 0.6, "accuracy_fake": 0.6,
        "p_real_above_fake": 0.62, "value": -1.3, "js": 0.05, "d_gradient": 1.5, "g_gradient": 1.2, "diversity": 0.95,
    }  # fmt: skip
    signals = np.array([middle[name] for name in SIGNALS]) + walk
    at = {name: column for column, name in enumerate(SIGNALS)}
    for name in ("d_real", "d_fake", "accuracy_real", "accuracy_fake", "p_real_above_fake", "diversity"):
        signals[:, at[name]] = signals[:, at[name]].clip(0.41 if name.startswith("p_") else 0.02, 1)
    for name in ("d_gradient", "g_gradient"):
        signals[:, at[name]] = signals[:, at[name]].clip(0.05)
    if collapses:
        signals[rows // 2 :, at["diversity"]] *= 0.2
    if not log_odds:
        signals[:, [at["value"], at["js"]]] = np.nan
    rows_of: list[list[float]] = signals.tolist()
    return rows_of


def png(pixels: np.ndarray) -> bytes:
    """PNG bytes of pixels (H, W, 3) in [0, 255]."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def points(count: int, std: float, side: int, seed: int) -> np.ndarray:
    """A scatter (side, side, 3): red dots about the first `count` of eight places on a ring, over their grey."""
    rng = np.random.default_rng(seed)
    angles = np.arange(8) * np.pi / 4
    modes = np.stack([np.cos(angles), np.sin(angles)], 1)
    axis = np.linspace(-1.4, 1.4, side)
    near = sum(np.exp(-((axis[None, :] - x) ** 2 + (axis[:, None] - y) ** 2) / 0.005) for x, y in modes)
    canvas = 255 - np.repeat(np.round(8 * near[:, :, None].clip(0, 1)) * 14, 3, 2)
    dots = modes[rng.integers(0, max(1, count), 900)] + rng.normal(0, std, (900, 2))
    rows, columns = (((dots + 1.4) / 2.8) * side).astype(int).clip(0, side - 2).T
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        canvas[rows + down, columns + right] = (214, 39, 40)
    return canvas


def images(blur: float, rows: int, columns: int, width: int, seed: int) -> np.ndarray:
    """A sheet (H, width, 3) of small grey images, strokes under noise."""
    rng = np.random.default_rng(seed)
    axis = np.linspace(-1, 1, 16)
    sheet = np.full((rows * 17 + 1, columns * 17 + 1), 255.0)
    for index in range(rows * columns):
        x, y, r = *rng.uniform(-0.3, 0.3, 2), rng.uniform(0.3, 0.7)
        distance = np.hypot(axis[None, :] - x, axis[:, None] - y) - r
        stroke = 255 * np.exp(-((distance / 0.15) ** 2)) + rng.normal(0, 90 * blur, (16, 16))
        stroke = np.round(stroke / 32) * 32
        top, left = 1 + index // columns * 17, 1 + index % columns * 17
        sheet[top : top + 16, left : left + 16] = stroke.clip(0, 255)
    zoom = max(1, width // sheet.shape[1])
    return np.repeat(np.repeat(np.repeat(sheet[:, :, None], 3, 2), zoom, 0), zoom, 1)


@cache
def samples(image: bool, quality: int, seed: int) -> bytes:
    """The picture of samples, `quality` from 0 (bad) to 8; few seeds, so that many runs cost few pictures."""
    bad = 1 - quality / 8
    return png(images(bad, 8, 8, SIDE, seed) if image else points(quality, 0.03 + 0.3 * bad, SIDE, seed))


@cache
def film(image: bool, quality: int, frames: int) -> bytes:
    """A strip of square frames, first to last in training."""
    bad = [1 - quality / 8 * (t + 1) / frames for t in range(frames)]
    if image:
        strip = [images(one, 9, 9, FRAME, 0)[:FRAME, :FRAME] for one in bad]
        strip = [np.pad(f, ((0, FRAME - f.shape[0]), (0, FRAME - f.shape[1]), (0, 0)), mode="edge") for f in strip]
    else:
        strip = [points(max(1, round(8 * (1 - one))), 0.03 + 0.3 * one, FRAME, 0) for one in bad]
    return png(np.concatenate(strip, 1))


@cache
def neighbours(quality: int) -> bytes:
    """Fakes on the left of their nearest training images."""
    return png(images(1 - quality / 8, 8, 4, SIDE // 2, 3))
