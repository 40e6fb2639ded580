"""Recognise signs with a model that `signflow export` wrote: no PyTorch, no signflow.

pip install numpy onnxruntime opencv-python-headless
python webcam_onnx.py model.onnx              # webcam: what the last two seconds show
python webcam_onnx.py model.onnx video.mp4    # a video of one sign: scores as JSON
"""

import collections
import json
import sys
from itertools import pairwise

import cv2
import numpy as np
import onnxruntime

KNOWN = {"frames", "image_size", "sampling", "flow", "flow_bound"}
CHOICES = {
    "floor": lambda n, count: [k * (n // count) for k in range(count)],
    "even": lambda n, count: [
        (2 * k * (n - 1) + count - 1) // (2 * count - 2) for k in range(count)
    ],
    "centre": lambda n, count: [(2 * k + 1) * n // (2 * count) for k in range(count)],
}


def shrink(picture, size):
    """The picture that is kept: size x size, RGB."""
    way = cv2.INTER_AREA if size <= min(picture.shape[:2]) else cv2.INTER_LINEAR
    return cv2.cvtColor(cv2.resize(picture, (size, size), interpolation=way), cv2.COLOR_BGR2RGB)


def look(pictures, recipe, wanted):
    """What the model takes of a clip: rgb (1, N, H, W, 3) and flow (1, T-1, H, W, 2), bytes."""
    chosen = CHOICES[recipe.get("sampling", "floor")](len(pictures), recipe["frames"])
    frames = np.stack([pictures[position] for position in chosen])
    given = {}
    if "rgb" in wanted:
        given["rgb"] = frames if wanted["rgb"][1] > 1 else frames[len(frames) // 2][None]
    if "flow" in wanted:
        how = {key: value for key, value in recipe["flow"].items() if key != "method"}
        how["flags"] = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if how.pop("gaussian_window") else 0
        grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
        flow = [cv2.calcOpticalFlowFarneback(*pair, None, **how) for pair in pairwise(grey)]
        steps = np.rint(np.stack(flow) * (127 / recipe["flow_bound"]))
        given["flow"] = (np.clip(steps, -127, 127) + 128).astype(np.uint8)
    return {name: each[None] for name, each in given.items()}


def main(model, video=None):
    """Print the scores of a video of one sign, or go on saying what the webcam shows."""
    session = onnxruntime.InferenceSession(model)
    told = session.get_modelmeta().custom_metadata_map
    labels, recipe = json.loads(told["labels"]), json.loads(told["recipe"])
    wanted = {each.name: each.shape for each in session.get_inputs()}
    beyond = [f"{key} = {recipe[key]}" for key in recipe if key not in KNOWN]
    if "flow" in wanted and recipe["flow"]["method"] != "farneback":
        beyond.append(f"flow by {recipe['flow']['method']}")
    if beyond:
        sys.exit(
            f"{model}: too much for this short example: {', '.join(beyond)}; signflow can do it"
        )
    camera = cv2.VideoCapture(0 if video is None else video)
    rate = camera.get(cv2.CAP_PROP_FPS) or 30
    window = max(round(2 * rate), recipe["frames"])
    pictures = collections.deque(maxlen=window if video is None else None)
    read = 0
    while (got := camera.read())[0]:
        pictures.append(shrink(got[1], recipe["image_size"]))
        read += 1
        if video is None and read >= window and read % max(1, round(rate / 2)) == 0:
            (scores,) = session.run(["scores"], look(pictures, recipe, wanted))[0]
            sure = scores.max() >= float(told["threshold"])
            print(
                f"{labels[scores.argmax()]} {scores.max():.0%}" if sure else "not sure", flush=True
            )
    if len(pictures) < recipe["frames"]:
        sys.exit(
            f"{video or 'webcam'}: {len(pictures)} frames were had; {recipe['frames']} are needed"
        )
    if video is not None:
        (scores,) = session.run(["scores"], look(pictures, recipe, wanted))[0]
        print(json.dumps(dict(zip(labels, scores.tolist(), strict=True)), ensure_ascii=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
