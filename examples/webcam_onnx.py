"""Recognise signs with a model that `signflow export` wrote: no PyTorch, no signflow.

pip install numpy onnxruntime opencv-python-headless
python webcam_onnx.py model.onnx              # webcam: what the last two seconds show
python webcam_onnx.py model.onnx video.mp4    # a video of one sign: scores as JSON
"""

import json
import sys

import cv2
import numpy as np
import onnxruntime

model, video = (*sys.argv[1:], None)[:2]
session = onnxruntime.InferenceSession(model)
inputs = {each.name: each.shape for each in session.get_inputs()}
told = session.get_modelmeta().custom_metadata_map
labels, recipe = json.loads(told["labels"]), json.loads(told["recipe"])
how = {key: value for key, value in recipe["flow"].items() if value is not None}
known = {"frames", "image_size", "sampling", "flow_bound", "keep_flow"}
known |= {"flow"} if how["method"] in ("dis", "farneback") else set()
if beyond := ", ".join(f"{key} = {recipe[key]}" for key in recipe if key not in known):
    sys.exit(f"{model}: too much for this short example: {beyond}; signflow can do it")
if how.pop("method") == "dis":
    dis = cv2.DISOpticalFlow.create(["ultrafast", "fast", "medium"].index(how.pop("preset")))
    for name in list(how):
        getattr(dis, "set" + name.title().replace("_", ""))(how.pop(name))
    motion = dis.calc
else:
    how["flags"] = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if how.pop("gaussian_window") else 0
    motion = cv2.calcOpticalFlowFarneback


def recognise(pictures):
    """Scores of what the pictures show: the model takes some of them, and flow as bytes."""
    n, k, count = len(pictures), np.arange(recipe["frames"]), recipe["frames"]
    ways = {"floor": k * (n // count), "even": (2 * k * (n - 1) + count - 1) // (2 * count - 2)}
    kept = ways.get(recipe.get("sampling", "floor"), (2 * k + 1) * n // (2 * count))
    frames = np.stack([pictures[position] for position in kept])
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]
    flow = np.stack([motion(*grey[p : p + 2], None, **how) for p in range(count - 1)])
    steps = np.clip(np.rint(flow * (127 / recipe["flow_bound"])), -127, 127) + 128
    rgb = frames[count // 2][None] if inputs.get("rgb", [1, 1])[1] == 1 else frames
    given = {"rgb": rgb[None], "flow": steps[None].astype(np.uint8)}
    return session.run(["scores"], {name: given[name] for name in inputs})[0][0]


camera, size, pictures = cv2.VideoCapture(video or 0), recipe["image_size"], []
while (got := camera.read())[0]:
    way = cv2.INTER_AREA if size <= min(got[1].shape[:2]) else cv2.INTER_LINEAR
    pictures.append(cv2.resize(got[1], (size, size), interpolation=way)[..., ::-1])
    if not video and len(pictures) >= max(2 * camera.get(cv2.CAP_PROP_FPS) or 60, recipe["frames"]):
        scores = recognise(pictures)
        sure = scores.max() >= float(told["threshold"])
        print(f"{labels[scores.argmax()]} {scores.max():.0%}" if sure else "not sure", flush=True)
        pictures = pictures[len(pictures) // 4 :]  # half a second later again
if len(pictures) < (fewest := 2 if recipe.get("sampling") == "segments" else recipe["frames"]):
    sys.exit(f"{video or 'webcam'}: {len(pictures)} frames were had; {fewest} are needed")
print(json.dumps(dict(zip(labels, recognise(pictures).tolist(), strict=True)), ensure_ascii=False))
