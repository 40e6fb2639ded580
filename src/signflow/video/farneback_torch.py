"""Farnebäck's optical flow as batched PyTorch operations, equal to OpenCV's.

Every step is that of `cv2.calcOpticalFlowFarneback` (G. Farnebäck, "Two-Frame Motion Estimation
Based on Polynomial Expansion", SCIA 2003), by elementwise operations and `grid_sample` alone:
convolutions and matrix products may be rounded to TF32 on a GPU, which is not exact enough.
"""

from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from signflow.video.flow import Farneback

_SMALLEST = 32
"""No pyramid level but the picture itself has a side below this."""

_BORDER = (0.14, 0.14, 0.4472, 0.4472, 0.4472)
"""How much the equations of points 0, 1, ... pixels from the picture's border count."""

_REGULAR = 1e-3
"""Added to determinants, so that there is no motion where there is nothing to see."""

_DOWN, _ACROSS = -2, -1
"""Dimensions of a picture: along its columns, along its rows."""


@torch.no_grad()
def farneback_flow(grey: Tensor, *, method: Farneback) -> Tensor:
    """Flow between neighbouring pictures of sequences; every picture is expanded once.

    Args:
        grey: (B, T, H, W), T at least 2, grey values from 0 to 255 of any type, on any device.
        method: the parameters.

    Returns:
        float32 (B, T - 1, H, W, 2) on the same device, x then y, in pixels; positive to the right
        and down.

    Raises:
        ValueError: `grey` has another shape.

    Example:
        >>> farneback_flow(torch.zeros(1, 10, 64, 64), method=Farneback()).shape
        torch.Size([1, 9, 64, 64, 2])
    """
    if grey.ndim != 4 or grey.shape[1] < 2 or min(grey.shape[-2:]) < 2:
        raise ValueError(
            f"grey is {tuple(grey.shape)}, but must be (B, T, H, W), T, H and W from 2 on"
        )
    pictures = grey.float()
    flow: Tensor | None = None
    for scale in _scales(grey.shape[_DOWN], grey.shape[_ACROSS], method):
        smaller = _scaled(pictures, scale)
        expansion = _expand(smaller, n=method.poly_n, sigma=method.poly_sigma)
        before, after = expansion[:, :-1].flatten(0, 1), expansion[:, 1:].flatten(0, 1)
        if flow is None:
            flow = torch.zeros_like(before[:, :2])
        else:
            flow = _resized(flow, smaller.shape[_DOWN], smaller.shape[_ACROSS])
            flow *= 1 / method.pyr_scale
        counts = _counts(flow)
        for _ in range(method.iterations):
            flow = _solve(_window(_equations(before, after, flow, counts), method))
    assert flow is not None  # there is always the picture itself
    return flow.view(len(grey), -1, *flow.shape[1:]).movedim(2, -1).contiguous()


def _scales(height: int, width: int, method: Farneback) -> list[float]:
    """The pyramid's scales, the coarsest first, 1 last."""
    scales = [1.0]
    for _ in range(method.levels):
        scale = scales[0] * method.pyr_scale
        if min(height, width) * scale < _SMALLEST:
            break
        scales.insert(0, scale)
    return scales


def _scaled(pictures: Tensor, scale: float) -> Tensor:
    """One level of the pyramid: smoothed, then sampled. Level 0 is smoothed as well."""
    sigma = (1 / scale - 1) / 2
    reach = max(round(sigma * 5) // 2, 1)
    kernel = cv2.getGaussianKernel(2 * reach + 1, sigma, cv2.CV_32F).ravel()[reach:].tolist()
    for dim in (_ACROSS, _DOWN):
        pictures = _filtered(pictures, kernel, dim=dim, border="reflect")
    height, width = pictures.shape[-2:]
    return _resized(pictures, round(height * scale), round(width * scale))


def _resized(values: Tensor, height: int, width: int) -> Tensor:
    if values.shape[-2:] == (height, width):
        return values
    return functional.interpolate(
        values, size=(height, width), mode="bilinear", align_corners=False
    )


def _expand(pictures: Tensor, *, n: int, sigma: float) -> Tensor:
    """Fit c + x b_x + y b_y + x² a_xx + y² a_yy + xy a_xy to the neighbourhood of every point.

    Args:
        pictures: (B, T, H, W).
        n: the neighbourhood reaches so many pixels to every side.
        sigma: standard deviation of its weights, in pixels.

    Returns:
        (B, T, 5, H, W): b_y, b_x, a_yy, a_xx, a_xy.
    """
    offsets = np.arange(-n, n + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma * sigma)).astype(np.float32)
    weights = (weights / weights.astype(np.float64).sum()).astype(np.float32)
    inverse = _inverse_of_moments(weights)
    zeroth, first, second = (
        (weights * offsets**power).astype(np.float32)[n:].tolist() for power in (0, 1, 2)
    )
    column = _taps(pictures, n, dim=_DOWN)
    rows = [_even(column, zeroth), _odd(column, first), _even(column, second)]
    # Curvature is a small difference of large sums; OpenCV has doubles here too. Metal has none.
    exact = torch.float32 if pictures.device.type == "mps" else torch.float64
    of_1, of_y, of_yy = (_taps(row.to(exact), n, dim=_ACROSS) for row in rows)
    one, x, xx = _even(of_1, zeroth), _odd(of_1, first), _even(of_1, second)
    y, xy = _even(of_y, zeroth), _odd(of_y, first)
    yy = _even(of_yy, zeroth)
    one *= inverse["1,xx"]
    coefficients = [
        y.mul_(inverse["x,x"]),
        x.mul_(inverse["x,x"]),
        torch.add(one, yy, alpha=inverse["xx,xx"]),
        torch.add(one, xx, alpha=inverse["xx,xx"]),
        xy.mul_(inverse["xy,xy"]),
    ]
    return torch.stack([part.float() for part in coefficients], dim=2)


def _inverse_of_moments(weights: NDArray[np.float32]) -> dict[str, float]:
    """The entries, other than 0, of the inverse of the matrix of the fit's normal equations."""
    reach = len(weights) // 2
    x, y = np.meshgrid(np.arange(-reach, reach + 1), np.arange(-reach, reach + 1))
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y]).reshape(6, -1).astype(float)
    by_weight = np.outer(weights, weights).ravel().astype(float)
    inverse = np.linalg.inv(terms * by_weight @ terms.T)
    entries = {"x,x": (1, 1), "1,xx": (0, 3), "xx,xx": (3, 3), "xy,xy": (5, 5)}
    return {name: float(inverse[place]) for name, place in entries.items()}


def _equations(before: Tensor, after: Tensor, flow: Tensor, counts: Tensor) -> Tensor:
    """The equations G d = h of each point, given the flow so far.

    Args:
        before: expansions of the first pictures, (N, 5, H, W).
        after: of the second pictures.
        flow: (N, 2, H, W).
        counts: how much each point's equations count, (H, W).

    Returns:
        (N, 5, H, W): G_yy, G_xy, G_xx, h_y, h_x.
    """
    height, width = flow.shape[-2:]
    dx, dy = flow.unbind(1)
    x = dx + torch.arange(width, device=flow.device)
    y = dy + torch.arange(height, device=flow.device)[:, None]
    inside = ((x >= 0) & (x < width - 1) & (y >= 0) & (y < height - 1)).unsqueeze(1)
    where = torch.stack([x.mul_(2 / (width - 1)).sub_(1), y.mul_(2 / (height - 1)).sub_(1)], dim=-1)
    moved = functional.grid_sample(after, where, padding_mode="border", align_corners=True)

    # What moves out of the picture is compared with nothing: a slope of 0, its own curvature.
    linear = (before[:, :2] - moved[:, :2] * inside).mul_(0.5)
    curved = torch.where(inside, moved[:, 2:], before[:, 2:]).add_(before[:, 2:]).mul_(0.5)
    linear *= counts
    curved *= counts
    ay, ax, axy = curved.unbind(1)
    axy = axy * 0.5
    by, bx = linear.unbind(1)
    by = (ay * dy).addcmul_(axy, dx).add_(by)
    bx = (axy * dy).addcmul_(ax, dx).add_(bx)
    squared = axy * axy
    return torch.stack(
        [
            torch.addcmul(squared, ay, ay),
            (ay + ax).mul_(axy),
            torch.addcmul(squared, ax, ax),
            (ay * by).addcmul_(axy, bx),
            (axy * by).addcmul_(ax, bx),
        ],
        dim=1,
    )


def _counts(flow: Tensor) -> Tensor:
    """How much the equations of each point of a level count: less near the border. (H, W)."""
    (rows, down), (columns, across) = (_near_border(size) for size in flow.shape[-2:])
    ones = np.ones((), np.float32)
    counts = np.where(rows[:, None] | columns, down[:, None] * across, ones)
    return torch.from_numpy(counts).to(flow.device)


def _near_border(size: int) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Which of `size` points in a row are near the border, and how much they count."""
    reach = len(_BORDER)
    # OpenCV's comparison of unsigned numbers; below ten points it is not what one would expect.
    from_reach = np.arange(-reach, size - reach).astype(np.uint32)
    near = from_reach >= np.array(size - 2 * reach).astype(np.uint32)
    counts = np.ones(size, np.float32)
    nearest = np.array(_BORDER[:size], np.float32)
    counts[: len(nearest)] *= nearest
    counts[size - len(nearest) :] *= nearest[::-1]
    return near, counts


def _window(equations: Tensor, method: Farneback) -> Tensor:
    """Average the equations over each point's window."""
    reach = method.winsize // 2
    if method.gaussian_window:
        sigma = reach * 0.3
        kernel = [
            float(np.exp(-(k * k) / (2 * sigma * sigma))) if k else 1.0 for k in range(reach + 1)
        ]
        total = 2 * sum(kernel) - kernel[0]
        kernel = [value / total for value in kernel]
        for dim in (_DOWN, _ACROSS):
            equations = _filtered(equations, kernel, dim=dim, border="replicate")
        return equations
    for dim in (_DOWN, _ACROSS):
        equations = _box_sum(equations, reach, dim=dim)
    # OpenCV divides by the side it was given; where that is even, the window is a pixel wider.
    return equations.mul_(1 / method.winsize**2)


def _solve(equations: Tensor) -> Tensor:
    """The flow, x then y, (N, 2, H, W)."""
    g_yy, g_xy, g_xx, h_y, h_x = equations.unbind(1)
    determinant = (g_yy * g_xx).addcmul_(g_xy, g_xy, value=-1).add_(_REGULAR)
    x = (g_yy * h_x).addcmul_(g_xy, h_y, value=-1)
    y = (g_xx * h_y).addcmul_(g_xy, h_x, value=-1)
    return torch.stack([x, y], dim=1).div_(determinant.unsqueeze(1))


def _padded(
    values: Tensor, reach: int, *, dim: int, border: Literal["replicate", "reflect"]
) -> Tensor:
    sides = (reach, reach, 0, 0) if dim == _ACROSS else (0, 0, reach, reach)
    return functional.pad(values, sides, mode=border)


def _taps(
    values: Tensor,
    reach: int,
    *,
    dim: int,
    border: Literal["replicate", "reflect"] = "replicate",
) -> list[Tensor]:
    """Views of each point's neighbours from -reach to +reach."""
    padded = _padded(values, reach, dim=dim, border=border)
    return [padded.narrow(dim, k, values.shape[dim]) for k in range(2 * reach + 1)]


def _even(taps: list[Tensor], kernel: list[float]) -> Tensor:
    """Weigh neighbours alike on both sides; `kernel` runs from the middle to one side."""
    reach = len(kernel) - 1
    total = taps[reach] * kernel[0]
    for k in range(1, reach + 1):
        total.add_(taps[reach + k] + taps[reach - k], alpha=kernel[k])
    return total


def _odd(taps: list[Tensor], kernel: list[float]) -> Tensor:
    """Weigh neighbours oppositely; the middle does not count."""
    reach = len(kernel) - 1
    total = torch.zeros_like(taps[reach])
    for k in range(1, reach + 1):
        total.add_(taps[reach + k] - taps[reach - k], alpha=kernel[k])
    return total


def _filtered(
    values: Tensor, kernel: list[float], *, dim: int, border: Literal["replicate", "reflect"]
) -> Tensor:
    return _even(_taps(values, len(kernel) - 1, dim=dim, border=border), kernel)


def _box_sum(values: Tensor, reach: int, *, dim: int) -> Tensor:
    """Sums over 2 * reach + 1 neighbours, in as many additions as that number has binary digits.

    1: xx.....   2: a sum of two    4: a sum of two of those    7 = 4 + 2 + 1
    """
    if reach == 0:
        # OpenCV's running sums begin so: a window of one pixel holds the border's first as well.
        return values + values.narrow(dim, 0, 1)
    size, wanted = values.shape[dim], 2 * reach + 1
    sums, width = _padded(values, reach, dim=dim, border="replicate"), 1
    total, done = sums.narrow(dim, 0, size).clone(), 1
    while done < wanted:
        left = sums.shape[dim] - width
        sums, width = sums.narrow(dim, 0, left) + sums.narrow(dim, width, left), 2 * width
        if wanted & width:
            total += sums.narrow(dim, done, size)
            done += width
    return total
