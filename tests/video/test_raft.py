"""RAFT with weights that were drawn at random, in files as torchvision's are."""

from pathlib import Path

import numpy as np
import pytest
import torch
from moving import pan, seen_by_a_camera, turn
from squares import Signflow, write_square_video
from torch.nn import functional
from torchvision.models import optical_flow

from signflow.errors import UserError
from signflow.store import Store
from signflow.video import Raft, compute_flow, online_flow, prepare_flow, quantise_flow

FILES = {
    "large": "raft_large_C_T_SKHT_V2-ff5fadd5.pth",
    "small": "raft_small_C_T_V2-01064c6d.pth",
}
SMALL = Raft(variant="small", iterations=2)


def random_net(variant: str) -> optical_flow.RAFT:
    torch.manual_seed(5)
    return {"large": optical_flow.raft_large, "small": optical_flow.raft_small}[variant]().eval()


@pytest.fixture(scope="module")
def hub_with_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("torch")
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    for variant, name in FILES.items():
        torch.save(random_net(variant).state_dict(), folder / name)
    return home


@pytest.fixture
def weights(hub_with_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(hub_with_weights))


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A torch.hub folder without weights, and a proxy at which nobody listens."""
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("variant", ["small", "large"])
def test_it_is_torchvision_s_net_on_colours(variant: str) -> None:
    frames = seen_by_a_camera(128, 136, motion=pan(2, 1), frames=2)
    flow = compute_flow(frames, method=Raft(variant=variant, iterations=2))  # type: ignore[arg-type]
    pictures = torch.from_numpy(frames).movedim(-1, 1) / 127.5 - 1
    with torch.no_grad():
        expected = random_net(variant)(pictures[:1], pictures[1:], num_flow_updates=2)[-1]
    assert flow.shape == (1, 128, 136, 2)
    np.testing.assert_allclose(flow[0], expected[0].movedim(0, -1), atol=1e-4)


@pytest.mark.usefixtures("weights")
def test_sides_that_8_does_not_divide_are_padded_with_the_border() -> None:
    frames = seen_by_a_camera(122, 131, motion=turn(2), frames=2)
    padded = functional.pad(
        torch.from_numpy(frames).movedim(-1, 1).float(), (2, 3, 3, 3), mode="replicate"
    )
    whole = compute_flow(padded.movedim(1, -1).byte().numpy(), method=SMALL)
    np.testing.assert_allclose(
        compute_flow(frames, method=SMALL), whole[:, 3:125, 2:133], atol=1e-4
    )


@pytest.mark.usefixtures("weights")
def test_it_gives_the_same_flow_with_any_number_of_threads_and_leaves_that_alone() -> None:
    frames = seen_by_a_camera(128, 128, motion=turn(2), frames=2)
    before = torch.get_num_threads()
    try:
        flows = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            flows.append(compute_flow(frames, method=SMALL))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(*flows)


@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("parameter", [{"variant": "large"}, {"iterations": 3}])
def test_every_parameter_has_an_effect(parameter: dict[str, object]) -> None:
    frames = seen_by_a_camera(128, 128, motion=turn(2), frames=2)
    changed = Raft(**{"variant": "small", "iterations": 2, **parameter})  # type: ignore[arg-type]
    assert not np.array_equal(
        compute_flow(frames, method=changed), compute_flow(frames, method=SMALL)
    )


@pytest.mark.usefixtures("weights")
def test_grey_pictures_are_pictures_too() -> None:
    greys = seen_by_a_camera(128, 128, motion=turn(2), frames=2)[..., 0]
    coloured = np.repeat(greys[..., None], 3, axis=-1)
    np.testing.assert_array_equal(
        SMALL.between(greys[0], greys[1]), compute_flow(coloured, method=SMALL)[0]
    )


@pytest.mark.usefixtures("weights")
def test_straight_from_frames_it_is_what_a_store_holds() -> None:
    clips = np.stack([seen_by_a_camera(128, 128, motion=m, frames=3) for m in (pan(1, 0), turn(2))])
    online = online_flow(torch.from_numpy(clips), method=SMALL, bound=20).numpy()
    for clip, flow in zip(clips, online, strict=True):
        stored, _ = quantise_flow(compute_flow(clip, method=SMALL), bound=20)
        assert (np.abs(flow - stored) <= 1).mean() > 0.999


@pytest.mark.usefixtures("weights")
def test_frames_below_128_pixels_are_refused_before_and_during_the_work() -> None:
    frames = np.zeros((2, 120, 200, 3), np.uint8)
    with pytest.raises(ValueError, match="frames are 120 x 200, but must have 121 pixels or more"):
        compute_flow(frames, method=SMALL)
    with pytest.raises(UserError, match="'raft': frames are 120 x 200"):
        prepare_flow(SMALL, height=120, width=200)
    prepare_flow(SMALL, height=121, width=200)


def test_weights_that_cannot_be_downloaded_are_named_with_their_place(no_network: Path) -> None:
    with pytest.raises(UserError) as raised:
        prepare_flow(SMALL, height=224, width=224)
    assert f"https://download.pytorch.org/models/{FILES['small']}" in str(raised.value)
    assert f"place that file in {no_network}" in str(raised.value)
    assert raised.value.exit_status == 2


@pytest.mark.parametrize("content", ["text", "other net"])
def test_a_file_that_holds_no_such_weights_is_named(content: str, no_network: Path) -> None:
    no_network.mkdir(parents=True)
    file = no_network / FILES["small"]
    if content == "text":
        file.write_text("not found")
    else:
        torch.save(random_net("large").state_dict(), file)
    with pytest.raises(UserError) as raised:
        prepare_flow(SMALL, height=224, width=224)
    assert f"{file}: does not hold the weights" in str(raised.value)


def test_a_file_that_would_run_code_is_not_read(no_network: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "touched",)  # type: ignore[return-value]

    no_network.mkdir(parents=True)
    torch.save({"a": Evil()}, no_network / FILES["small"])
    with pytest.raises(UserError, match="does not hold the weights"):
        prepare_flow(SMALL, height=224, width=224)
    assert not (tmp_path / "touched").exists()


@pytest.fixture
def two_clips(tmp_path: Path) -> Path:
    for gloss in ("down", "left"):
        write_square_video(tmp_path / "clips" / f"{gloss}.mp4", gloss=gloss)
    (tmp_path / "clips" / "clips.csv").write_text(
        "source,gloss,split\ndown.mp4,down,train\nleft.mp4,left,train\n"
    )
    return tmp_path / "clips"


@pytest.mark.usefixtures("weights")
def test_a_worker_builds_a_store_of_what_it_gives_here(
    two_clips: Path, tmp_path: Path, signflow: Signflow
) -> None:
    words = ("build", two_clips, "--image-size", "128", "--frames", "2", "--camera", "homography")
    method = ("--flow", "raft", "--flow-options", "variant=small", "iterations=1")
    signflow(*words, *method, "--workers", "1", "--out", tmp_path / "store")

    store = Store.open(tmp_path / "store")
    assert store.recipe.flow == Raft(variant="small", iterations=1)
    assert store.recipe.camera == "homography"
    for name in ("down.mp4", "left.mp4"):
        sample = store.sample(name)
        flow = compute_flow(sample.frames, method=store.recipe.flow, camera="homography")
        np.testing.assert_array_equal(sample.flow, quantise_flow(flow, bound=store.recipe.bound)[0])


def test_a_build_without_weights_ends_before_it_begins(
    two_clips: Path, tmp_path: Path, no_network: Path, signflow: Signflow
) -> None:
    words = ("--image-size", "128", "--flow", "raft")
    done = signflow("build", two_clips, "--out", tmp_path / "x", *words, check=False)
    assert done.returncode == 2
    assert str(no_network) in done.stderr.replace("\n", "")
    assert not (tmp_path / "x").exists()
