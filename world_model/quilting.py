"""Continues a picture on a cylinder all around by pieces of itself, each as sharp as the picture and none mirrored.

A *video texture* goes on for ever by jumping between frames of a short film that look alike (Schödl, Szeliski, Salesin
and Essa 2000). Here columns take the place of frames: the least costly path of jumps leads from the picture's right
edge around to its left one, and prefers what can be repeated to what is there but once. Where two pieces overlap they
are cut along the seam that shows least (Efros and Freeman 2001), and what is smooth is blended more widely than what is
fine (Burt and Adelson 1983).
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Indices = np.ndarray[Any, np.dtype[np.intp]]

STEP: Final = 4  # columns; pieces begin and end at multiples
OVERLAP: Final = 40  # columns that two pieces have in common
_JUMP: Final = 1.0  # cost of any jump; that of two places picked at random is about 1 more
_ONLY_ONCE: Final = 0.05  # cost of a step through what is found nowhere else
_MOST_APART: Final = 40.0  # difference of colours, CIELAB; a larger one costs no more
_EDGES: Final = 0.5  # how much edges count beside colours
_SOFTNESS: Final = (1.2, 5.0)  # columns over which fine and smooth things are blended at a seam
_LIGHT: Final = 20.0  # difference of colours that may be one of light alone
_SMOOTH: Final = 4.0  # columns; what is finer is fine


def surrounding_columns(picture: Floats, total: int) -> Indices:
    """Which column of the picture, float32 [h, w, 3] of 0..255, stands at each of the `total` columns all around.

    The picture itself comes first. `w` and `total` are multiples of `STEP`, and `w` is more than `OVERLAP`.
    """
    columns = _features(picture)
    shown, window = len(columns), OVERLAP // STEP
    differences = np.minimum(np.abs(columns[:, None] - columns), _MOST_APART)
    apart = np.asarray(differences.mean(axis=(2, 3)), dtype=np.float32)
    count = shown - window + 1
    unlike = np.zeros((count, count), dtype=np.float32)  # windows that begin at two columns
    for step in range(window):
        unlike += apart[step : step + count, step : step + count]
    unlike /= float(np.median(unlike)) + 1e-6
    path = _cheapest_path(unlike, window, (total // STEP) - shown)
    steps = np.concatenate([np.arange(shown), path])
    return (steps[:, None] * STEP + np.arange(STEP)).ravel()


def quilted(picture: Floats, columns: Indices) -> Floats:
    """The columns of the picture that `surrounding_columns` names, in that order and without hard edges."""
    canvas = picture[:, columns]
    jumps = np.flatnonzero(np.diff(columns) != 1) + 1
    if not len(jumps):
        return canvas
    blurred = cv2.GaussianBlur(picture, (0, 0), _SMOOTH, borderType=cv2.BORDER_REFLECT)
    smooth = np.asarray(blurred, dtype=np.float32)
    for jump in jumps.tolist():
        before, after = int(columns[jump - 1]) + 1, int(columns[jump])
        # The picture's left edge cannot begin earlier, so what leads to it goes on under it.
        back = 0 if after < OVERLAP else OVERLAP
        start, stop = max(0, jump - back), min(len(columns), jump - back + OVERLAP)
        if stop - start < OVERLAP:
            continue
        left, right = (slice(first - back, first - back + OVERLAP) for first in (before, after))
        if left.start < 0 or left.stop > picture.shape[1]:
            continue
        canvas[:, start:stop] = _blended(picture[:, left], picture[:, right], smooth[:, left], smooth[:, right])
    return canvas


def _features(picture: Floats) -> Floats:
    """Colours and edges of every step, [steps, rows, 5]."""
    size = picture.shape[1] // STEP, picture.shape[0] // STEP
    small = cv2.resize(picture * np.float32(1.0 / 255.0), size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(np.clip(small, 0.0, 1.0), cv2.COLOR_RGB2LAB)
    edges = [_EDGES * cv2.Sobel(lab[..., 0], cv2.CV_32F, across, 1 - across) for across in (1, 0)]
    return np.ascontiguousarray(np.dstack([lab, *edges]).transpose(1, 0, 2), dtype=np.float32)


def _cheapest_path(unlike: Floats, window: int, steps: int) -> Indices:
    """Columns, in steps, that lead from the right edge around to the left one (Viterbi's algorithm)."""
    count = len(unlike)
    shown = count + window - 1
    every = np.arange(shown)
    near = np.abs(np.arange(count)[:, None] - np.arange(count)) < min(2 * window, count // 3)
    apart = np.where(near, np.inf, unlike)
    # After column j goes column b, if the windows that end before them look alike.
    jump = np.full((shown, shown), np.inf, dtype=np.float32)
    jump[window - 1 :, window:] = (apart + _JUMP)[:, : count - 1]
    price = np.full(shown, np.inf, dtype=np.float32)
    price[window:] = _ONLY_ONCE * apart.min(axis=1)[: count - 1]
    closing = np.full(shown, np.inf, dtype=np.float32)
    closing[: count - 1] = unlike[1:, 0]
    cost = jump[-1] + price
    came = np.zeros((steps, shown), dtype=np.intp)
    for step in range(1, steps):
        jumped = cost[:, None] + jump
        best = jumped.argmin(axis=0)
        least = jumped[best, every]
        ahead = np.concatenate([[np.float32(np.inf)], cost[:-1]])
        came[step] = np.where(least < ahead, best, every - 1)
        cost = np.minimum(least, ahead) + price
    path = np.empty(steps, dtype=np.intp)
    path[-1] = int((cost + closing).argmin())
    for step in range(steps - 1, 0, -1):
        path[step - 1] = came[step, path[step]]
    return path


def _blended(left: Floats, right: Floats, smooth_left: Floats, smooth_right: Floats) -> Floats:
    """From `left` to `right`, [h, OVERLAP, 3]."""
    fine_left, fine_right = left - smooth_left, right - smooth_right
    seam = seam_between(np.abs(left - right).sum(axis=2) + np.abs(fine_left - fine_right).sum(axis=2))
    places = np.arange(OVERLAP, dtype=np.float32)
    narrow, wide = (1.0 / (1.0 + np.exp((seam[:, None] - places) / softness)) for softness in _SOFTNESS)
    fine = fine_left + narrow[..., None] * (fine_right - fine_left)
    # Light that differs little, as in a sky, changes over the whole overlap; what is a thing would show through there.
    difference = smooth_right - smooth_left
    alike = np.exp(-np.square(np.abs(difference).mean(axis=2) / _LIGHT))
    share = wide + alike * ((places + 0.5) / OVERLAP - wide)
    return np.asarray(smooth_left + share[..., None] * difference + fine, dtype=np.float32)


def seam_between(error: Floats) -> Floats:
    """The column of each row at which two pictures part, so that the sum of errors [h, w] along it is least."""
    height, width = len(error), len(error[0])
    coarse = cv2.resize(error, (width, max(2, height // STEP)), interpolation=cv2.INTER_AREA)
    cost = np.asarray(coarse, dtype=np.float32)
    cost[:, [0, -1]] += float(cost.max()) * len(cost)  # neither picture ends there
    every = np.arange(width)
    came = np.zeros(cost.shape, dtype=np.intp)
    above = np.full(width + 2 * STEP, np.inf, dtype=np.float32)
    reachable = np.lib.stride_tricks.sliding_window_view(above, 2 * STEP + 1)
    for row in range(1, len(cost)):
        above[STEP:-STEP] = cost[row - 1]
        best = reachable.argmin(axis=1)
        came[row] = every + best - STEP
        cost[row] += reachable[every, best]
    seam = np.empty(len(cost), dtype=np.intp)
    seam[-1] = int(cost[-1].argmin())
    for row in range(len(cost) - 1, 0, -1):
        seam[row - 1] = came[row, seam[row]]
    rows = (np.arange(len(cost)) + 0.5) * height / len(cost) - 0.5
    return np.asarray(np.interp(np.arange(height), rows, seam), dtype=np.float32)
