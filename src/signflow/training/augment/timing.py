"""When things happen: one map of time for a clip's frames, with the flow between them."""

import torch
from torch import Tensor
from torch.nn import functional

from signflow.training.augment.draws import Draws
from signflow.training.augment.strengths import Augmentation


def draw_times(strengths: Augmentation, draws: Draws, *, frames: int) -> Tensor:
    """When each frame of the augmented clips is, on the scale of the stored frames.

        stored          0   1   2   3   4   5
        faster          0 0.5 1.8 3.1 4.4 5     stands still at the ends
        cropped         1.2 1.8 2.4 3   3.6 4.2
        frame 2 lost    0   1   1   3   4   5

    Returns:
        float64 (B, frames), never falling, 0 to frames - 1.
    """
    last = frames - 1
    kept = 1 - strengths.temporal_crop * draws.uniform()
    begin = draws.uniform() * (1 - kept) * last
    rate = (1 + strengths.speed) ** draws.either_way()
    # A slower sign does not come to its end; what is cut off lies before or after, by chance.
    lead = draws.uniform() * (1 - rate) * kept * last
    steps = torch.arange(frames, dtype=torch.float64)
    times = (begin + lead)[:, None] + (kept * rate)[:, None] * steps
    times = times + strengths.jitter * draws.either_way(frames)
    times = times.clamp(0, last).cummax(dim=1).values
    lost = draws.uniform(frames) < strengths.frame_drop
    lost[:, 0] = False
    latest = torch.where(lost, 0, torch.arange(frames)).cummax(dim=1).values
    return times.gather(1, latest)


def retime_frames(frames: Tensor, times: Tensor) -> Tensor:
    """The nearest stored frames, (B, T, ...), at times (B, T)."""
    nearest = (times + 0.5).floor().long()
    return frames[torch.arange(len(frames))[:, None], nearest]


def retime_flow(flow: Tensor, times: Tensor, *, pixels_per_step: float) -> Tensor:
    """What moves between new times: stored flow, followed along its own way.

    A point that the first stored pair moves is looked up in the second pair where it has come to;
    of a pair that a new one covers in part, that share of its motion is taken.

    Args:
        flow: float32 (B, T-1, 2, H, W), 0 no motion.
        times: float64 (B, T), never falling, 0 to T - 1.
        pixels_per_step: how many pixels 1 is.
    """
    last = flow.shape[1] - 1
    start, end = times[:, :-1], times[:, 1:]
    first = start.floor().clamp(max=last)
    clips = torch.arange(len(flow))[:, None].expand(-1, flow.shape[1])
    share = (torch.minimum(end, first + 1) - start).to(flow)
    moved = flow[clips, first.long()].mul_(share[..., None, None, None])
    for number in range(1, int((end.ceil() - first).max())):
        pair = first + number
        share = (torch.minimum(end, pair + 1) - pair).clamp(min=0)
        some = (share > 0).nonzero(as_tuple=True)
        before = moved[some]
        stored = _look_up(flow[clips[some], pair[some].long()], before * pixels_per_step)
        moved[some] = before.addcmul_(share[some].to(flow)[:, None, None, None], stored)
    return moved


def _look_up(images: Tensor, where: Tensor) -> Tensor:
    """Images (M, C, H, W) at each point's place plus (M, 2, H, W) pixels; at the edge, the edge."""
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device) + where[:, 0]
    y = torch.arange(height, device=images.device)[:, None] + where[:, 1]
    grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=3)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
