"""The end of a training: the best weights look at validation once more, and are calibrated."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from signflow.store import ClipRow, Store
from signflow.training.batches import batches
from signflow.training.calibration import fit_calibration
from signflow.training.learner import Learner
from signflow.training.weights import add_calibration


def calibrate(learner: Learner, store: Store, *, rows: Sequence[ClipRow], path: Path) -> None:
    """Fit a calibration on validation clips and write it into the file of the best weights.

    In 32 bits whatever the training's precision, as the net will be used. The learner's net takes
    the best weights: there is no memory for a second one.

    Args:
        learner: what has learnt; its process is the only one that does this.
        store: where the clips are.
        rows: built clips of validation.
        path: `model.safetensors`.
    """
    net = learner.net
    net.load_state_dict(load_file(path))
    net.eval()
    logits, labels = [], []
    with torch.inference_mode():
        for batch in batches(store, rows, inputs=net.inputs, batch_size=learner.config.batch_size):
            batch = batch.to(learner.fabric.device)
            logits.append(net(rgb=batch.rgb, flow=batch.flow).float().cpu())
            labels.append(batch.labels.cpu())
    fitted = fit_calibration(
        torch.cat(logits), torch.cat(labels), learned_fusion=net.learned_fusion
    )
    lengths = [row.video_frames / row.fps for row in rows if row.video_frames and row.fps]
    add_calibration(
        path, replace(fitted, clip_seconds=float(np.median(lengths)) if lengths else 0.0)
    )
