"""Tables, folders and MS-ASL directories become clips."""

import json
from pathlib import Path
from typing import Any

import pytest

from signflow.annotations import ClipList, ReadOptions, read_clips
from signflow.errors import UserError

REAL = Path(__file__).parents[3] / "shared" / "data"


def write_table(folder: Path, text: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(text, encoding="utf-8")
    return path


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def by_split(clips: ClipList) -> dict[str, set[str]]:
    splits: dict[str, set[str]] = {}
    for clip in clips.clips:
        splits.setdefault(clip.split, set()).add(clip.clip_id)
    return splits


def test_a_table_gives_clips_with_all_their_columns(tmp_path: Path):
    write_table(
        tmp_path,
        "source,gloss,split,group,start,end,signer,box,fold,remark\n"
        "a.mp4,nice,train,g1,1.5,3,ann,0.1 0.2 0.9 0.8,0,x\n"
        "sub/b.mp4,hello,test,,,,,,1,\n",
    )

    clips = read_clips(tmp_path)

    assert clips.classes == ("hello", "nice")
    first, second = clips.clips
    assert first.clip_id == "a.mp4@1.500-3.000"
    assert first.source == str(tmp_path / "a.mp4")
    assert (first.label, first.gloss, first.split, first.group) == (1, "nice", "train", "g1")
    assert (first.start, first.end, first.signer, first.fold) == (1.5, 3.0, "ann", 0)
    assert first.box == (0.1, 0.2, 0.9, 0.8)
    assert second.clip_id == "sub/b.mp4"
    assert (second.start, second.end, second.box, second.group) == (None, None, None, None)


def test_clips_that_share_a_name_stay_two_clips(tmp_path: Path):
    write_table(tmp_path, "source,gloss,split\na.mp4,x,train\na.mp4,x,val\n")

    assert [clip.clip_id for clip in read_clips(tmp_path).clips] == ["a.mp4", "a.mp4#2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gloss\nx\n", r"no column 'source'"),
        ("source,gloss\n", r"no rows"),
        ("source,gloss\n,x\n", r"row 2: source is ''"),
        ("source,gloss,split\na.mp4,x,dev\n", r"row 2: split is 'dev'; one of train, val, test"),
        ("source,gloss,start\na.mp4,x,soon\n", r"row 2: start is 'soon'; a number of seconds"),
        ("source,gloss,end\na.mp4,x,nan\n", r"row 2: end is 'nan'"),
        ("source,gloss,box\na.mp4,x,1 2 3\n", r"row 2: box is '1 2 3'; four numbers"),
        ("source,gloss,fold\na.mp4,x,-1\n", r"row 2: fold is '-1'"),
        ("source,gloss,split\na.mp4,x,train\nb.mp4,x,\n", r"b.mp4 has no split while other"),
        (
            "source,gloss,split,group\na.mp4,x,train,g\nb.mp4,x,test,g\n",
            r"group 'g' lies in two splits \(train and test\)",
        ),
    ],
)
def test_a_malformed_table_is_refused_by_row_and_value(tmp_path: Path, text: str, message: str):
    write_table(tmp_path, text)

    with pytest.raises(UserError, match=message):
        read_clips(tmp_path)


def test_a_folder_has_a_gloss_per_sub_folder_and_letters_stay_intact(tmp_path: Path):
    for gloss in ("žuta", "smeđe", "crn"):
        for number in range(10):
            touch(tmp_path / gloss / f"{number}.mp4")
    touch(tmp_path / "crn" / "notes.txt")
    touch(tmp_path / ".cache" / "0.mp4")

    clips = read_clips(tmp_path)

    assert clips.classes == ("crn", "smeđe", "žuta")
    assert len(clips.clips) == 30
    assert {clip.gloss for clip in clips.clips} == {"žuta", "smeđe", "crn"}


def test_splits_are_drawn_by_seed_and_stratified(tmp_path: Path):
    for gloss in ("a", "b", "c"):
        for number in range(20):
            touch(tmp_path / gloss / f"{number}.mp4")

    first, again = (read_clips(tmp_path, options=ReadOptions(split_seed=4)) for _ in range(2))
    other = read_clips(tmp_path, options=ReadOptions(split_seed=5))

    assert by_split(first) == by_split(again) != by_split(other)
    for gloss in ("a", "b", "c"):
        counts = {
            split: sum(clip_id.startswith(gloss) for clip_id in ids)
            for split, ids in by_split(first).items()
        }
        assert counts == {"train": 14, "val": 3, "test": 3}


def test_groups_are_kept_together_and_glosses_still_balanced(tmp_path: Path):
    for gloss in ("a", "b"):
        for signer in range(10):
            for take in range(2):
                touch(tmp_path / gloss / f"s{signer}_{take}.mp4")

    clips = read_clips(tmp_path, options=ReadOptions(group_by=r"^(s\d+)_"))

    splits_of_group: dict[str | None, set[str]] = {}
    for clip in clips.clips:
        splits_of_group.setdefault(clip.group, set()).add(clip.split)
    assert len(splits_of_group) == 10
    assert all(len(splits) == 1 for splits in splits_of_group.values())
    assert {split: len(ids) for split, ids in by_split(clips).items()}["train"] == 28
    assert set(by_split(clips)) == {"train", "val", "test"}


def test_split_folders_are_taken_as_they_are(tmp_path: Path):
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for number in range(count):
            touch(tmp_path / split / "x" / f"{number}.mp4")

    assert {s: len(i) for s, i in by_split(read_clips(tmp_path)).items()} == {
        "train": 3,
        "val": 2,
        "test": 1,
    }


@pytest.mark.parametrize(
    ("files", "options", "message"),
    [
        (["train/x/0.mp4", "y/0.mp4"], ReadOptions(), r"'y' stands beside the split folders"),
        (["x/readme.txt"], ReadOptions(), r"no clips in its sub-folders"),
        (["x/0.mp4"], ReadOptions(group_by="["), r"no regular expression"),
        (["x/0.mp4"], ReadOptions(group_by="signer"), r"does not match the file name '0.mp4'"),
        (["x/0.mp4"], ReadOptions(shares=(0.5, 0.2, 0.2)), r"sum to 1"),
        (["x/0.mp4"], ReadOptions(classes=3), r"annotation directories only"),
    ],
)
def test_a_folder_that_cannot_be_meant_is_refused(
    tmp_path: Path, files: list[str], options: ReadOptions, message: str
):
    for file in files:
        touch(tmp_path / file)

    with pytest.raises(UserError, match=message):
        read_clips(tmp_path, options=options)


def entry(**changes: Any) -> dict[str, Any]:
    url = "https://www.youtube.com/watch?v=abcdefghijk"
    return {"url": url, "label": 0, "start_time": 1.0, "end_time": 2.5, "signer_id": 7, **changes}


def write_msasl(folder: Path, **splits: Any) -> ReadOptions:
    (folder / "MSASL_classes.json").write_text(json.dumps(["hello", "nice", "teacher"]))
    for split, entries in splits.items():
        (folder / f"MSASL_{split}.json").write_text(json.dumps(entries))
    (folder / "videos").mkdir()
    return ReadOptions(videos=folder / "videos", classes=2)


def test_msasl_keeps_the_labels_below_classes(tmp_path: Path):
    options = write_msasl(
        tmp_path,
        train=[entry(), entry(label=2)],
        val=[entry(label=1, box=[0.1, 0.2, 0.9, 0.8], signer_id=-1)],
    )

    clips = read_clips(tmp_path, options=options)

    assert clips.classes == ("hello", "nice")
    first, second = clips.clips
    assert first.clip_id == "abcdefghijk@1.000-2.500"
    assert (first.gloss, first.split, first.signer) == ("hello", "train", "7")
    assert first.source == str(tmp_path / "videos" / "abcdefghijk.mp4")
    assert (second.gloss, second.signer, second.box) == ("nice", None, (0.1, 0.2, 0.9, 0.8))
    assert second.clip_id == "abcdefghijk@1.000-2.500#2"


def test_every_spelling_of_a_url_finds_the_one_file_whatever_its_suffix(tmp_path: Path):
    urls = (
        "www.youtube.com/watch?v=abcdefghijk",
        "https://www.youtube.com/watch?v=abcdefghijk&t=8s",
    )
    options = write_msasl(
        tmp_path, train=[entry(url=url, start_time=n) for n, url in enumerate(urls)]
    )
    touch(tmp_path / "videos" / "abcdefghijk.webm")

    sources = {clip.source for clip in read_clips(tmp_path, options=options).clips}

    assert sources == {str(tmp_path / "videos" / "abcdefghijk.webm")}


def test_a_url_never_becomes_a_path_of_its_own_making(tmp_path: Path):
    options = write_msasl(tmp_path, train=[entry(url="https://x.org/watch?v=../../../etc/passwd")])

    (clip,) = read_clips(tmp_path, options=options).clips

    assert Path(clip.source).parent == tmp_path / "videos"


@pytest.mark.parametrize(
    ("train", "message"),
    [
        ({"clips": []}, r"MSASL_train.json: holds a dict; expected a list of clips"),
        (["hello"], r"entry 0: is 'hello'"),
        ([entry(), entry(label="nice")], r"entry 1: label is 'nice'; expected a whole number"),
        ([entry(label=True)], r"entry 0: label is True"),
        ([entry(start_time="soon")], r"entry 0: start_time is 'soon'"),
        ([entry(url=None)], r"entry 0: url is None"),
        ([entry(box=[1, 2])], r"entry 0: box is \[1, 2\]"),
        ([entry(label=2)], r"no entry has a label below 2"),
    ],
)
def test_malformed_msasl_is_refused_by_file_entry_and_value(
    tmp_path: Path, train: Any, message: str
):
    options = write_msasl(tmp_path, train=train)

    with pytest.raises(UserError, match=message):
        read_clips(tmp_path, options=options)


def test_msasl_that_is_no_json_is_refused_by_name(tmp_path: Path):
    options = write_msasl(tmp_path, train=[entry()])
    (tmp_path / "MSASL_train.json").write_text("[{")

    with pytest.raises(UserError, match=r"MSASL_train.json: is no valid JSON"):
        read_clips(tmp_path, options=options)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotation files are not on this machine")
def test_the_real_msasl_gives_the_reports_727_clips(tmp_path: Path):
    clips = read_clips(REAL / "msasl", options=ReadOptions(videos=tmp_path, classes=10))

    assert clips.classes[:3] == ("hello", "nice", "teacher")
    assert {split: len(ids) for split, ids in by_split(clips).items()} == {
        "train": 472,
        "val": 153,
        "test": 102,
    }
    # 379 URLs, two of which are spellings of one video.
    assert len({clip.source for clip in clips.clips}) == 378


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotation files are not on this machine")
@pytest.mark.parametrize(
    ("classes", "val", "test"),
    [(100, 1190, 757), (200, 2041, 1359), (500, 3702, 2720), (1000, 5287, 4172)],
)
def test_the_real_msasl_has_its_four_subsets(tmp_path: Path, classes: int, val: int, test: int):
    clips = read_clips(REAL / "msasl", options=ReadOptions(videos=tmp_path, classes=classes))

    assert len(clips.classes) == classes
    # The training file that we have holds the first hundred classes only.
    assert {split: len(ids) for split, ids in by_split(clips).items()} == {
        "train": 3654,
        "val": val,
        "test": test,
    }
    assert {len(Path(clip.source).stem) for clip in clips.clips} == {11}


@pytest.mark.skipif(not REAL.is_dir(), reason="the real annotation files are not on this machine")
def test_no_group_of_the_real_synonyms_joins_two_classes():
    folder = REAL / "msasl"
    groups = json.loads((folder / "MSASL_synonym.json").read_text(encoding="utf-8"))
    classes = set(json.loads((folder / "MSASL_classes.json").read_text(encoding="utf-8")))

    assert len(groups) == 272
    assert not [group for group in groups if len(classes.intersection(group)) > 1]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real gesture clips are not on this machine")
def test_the_real_gestures_keep_their_scenes_in_one_split():
    clips = read_clips(REAL / "egogestar")

    assert len(clips.clips) == 171
    assert all(Path(clip.source).is_file() for clip in clips.clips)
    assert len(clips.classes) == 10
    assert len({clip.group for clip in clips.clips}) == 23
    assert {clip.fold for clip in clips.clips} == {0, 1, 2, 3}
