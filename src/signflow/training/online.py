"""Flow computed anew from a batch's augmented frames, instead of the store's (`--flow online`).

What was moved, turned or sped up then has exactly the flow that such a video would have; the price
is to compute it in every epoch, so it is meant for a GPU. Validation sees the store's flow where it
has one; everything after it sees what the store gives out.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from signflow.errors import UserError
from signflow.models import Inputs, SignModel
from signflow.store import Recipe
from signflow.training.batches import Batch
from signflow.video import DeviceFlow, device_flow_methods, middle_index, online_flow, prepare_flow

if TYPE_CHECKING:
    from signflow.training.config import TrainConfig

FlowSource = Literal["stored", "online"]


def check_flow_source(config: "TrainConfig", model: SignModel, recipe: Recipe) -> None:
    """Make sure that flow can be computed in training, where that is asked for.

    Raises:
        UserError: the net sees no flow, the recipe's method has no form in PyTorch or lacks its
            weights, or clips are to be blended, of which there is no flow.
    """
    if config.flow == "stored":
        return
    if not model.inputs.flow:
        raise UserError(f"--flow online: {config.model} sees no flow; leave it out")
    if not isinstance(recipe.flow, DeviceFlow):
        raise UserError(
            f"--flow online: the store's flow method {recipe.flow.name} has no form in PyTorch;"
            f" build with --flow {' or '.join(device_flow_methods())}"
        )
    if config.augmentation.mixup or config.augmentation.cutmix:
        raise UserError("--flow online: blended clips have no flow; give --mixup 0 and --cutmix 0")
    prepare_flow(recipe.flow, height=recipe.image_size, width=recipe.image_size)


def what_is_read(inputs: Inputs, source: FlowSource) -> Inputs:
    """What of a store a training with these inputs reads: for online flow, all frames alone."""
    return inputs if source == "stored" else Inputs(rgb="all", flow=False)


def with_online_flow(batch: Batch, *, recipe: Recipe, inputs: Inputs) -> Batch:
    """Give a batch of frames the flow between them, and leave of the frames what is looked at.

    Args:
        batch: all frames of its clips, on the device that computes; its flow is not looked at.
        recipe: the store's, for method, bound and camera.
        inputs: what the net looks at.
    """
    frames = batch.rgb
    assert frames is not None
    flow = online_flow(
        frames.contiguous(), method=recipe.flow, bound=recipe.bound, camera=recipe.camera
    )
    if inputs.rgb == "middle":
        middle = middle_index(frames.shape[1])
        return replace(batch, rgb=frames[:, middle : middle + 1], flow=flow)
    return replace(batch, rgb=frames if inputs.rgb == "all" else None, flow=flow)
