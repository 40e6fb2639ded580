"""Text in the picture is read, and told when it names the gloss."""

from pathlib import Path

import pytest

from audit.films import circle, pictures, wave, with_text, write
from signflow.annotations import read_clips
from signflow.audit import audit_source, audit_store
from signflow.audit.findings import ClipText
from signflow.audit.text import names_gloss, plain, texts_by_class
from signflow.store import Recipe, build_store


@pytest.mark.parametrize(
    ("gloss", "lines", "names"),
    [
        ("thank you", ["THANK-YOU!"], True),
        ("thank_you", ["how to sign", "thank you"], True),
        ("Žuta", ["zuta"], True),
        ("no", ["another", "nothing"], False),
        ("no", ["say: NO."], True),
        ("teacher", ["www.teachersigns.org"], True),
        ("eat", ["theatre"], False),
        ("deaf", [], False),
        ("!", ["!"], False),
    ],
)
def test_text_names_a_gloss_when_its_words_stand_in_it(gloss: str, lines: list[str], names: bool):
    assert names_gloss(gloss, lines) is names


def test_letters_are_compared_without_accents_and_signs():
    assert plain("  Ljubičasta, No_1! ") == "ljubicasta no 1"


def test_a_text_that_only_one_class_has_follows_it():
    def clip(number: int, gloss: str, *text: str) -> ClipText:
        return ClipText(
            clip_id=str(number), gloss=gloss, split="train", text=text, names_gloss=False
        )

    clips = [clip(i, "eat", "Lesson 4", "signs.org") for i in range(3)]
    clips += [clip(3, "no", "signs.org"), clip(4, "no", "Lesson 5")]

    assert texts_by_class(clips) == (("lesson 4", "eat", 3),)


def test_a_caption_that_names_the_gloss_is_read_and_kept(tmp_path: Path):
    pytest.importorskip("rapidocr", reason="needs the extra text")
    write(tmp_path / "circle/captioned.mp4", with_text(pictures(circle), "CIRCLE"), crf=23)
    write(tmp_path / "wave/plain.mp4", pictures(wave))

    audit = audit_source(tmp_path, out=tmp_path / "out", text=True, workers=1)

    assert audit.text is not None
    assert audit.text.looked_at == 2
    (clip,) = audit.text.naming
    assert (clip.clip_id, clip.gloss) == ("circle/captioned.mp4", "circle")
    assert plain(" ".join(clip.text)) == "circle"
    assert audit.leaks >= 1
    # An audit without --text keeps what was read.
    assert audit_source(tmp_path, out=tmp_path / "out", workers=1).text == audit.text


def test_a_store_is_read_from_the_frames_it_keeps(tmp_path: Path):
    pytest.importorskip("rapidocr", reason="needs the extra text")
    write(tmp_path / "set/circle/captioned.mp4", with_text(pictures(circle), "CIRCLE"), crf=23)
    out = tmp_path / "store"
    build_store(read_clips(tmp_path / "set"), out=out, recipe=Recipe(image_size=224), workers=1)

    audit = audit_store(out, text=True, workers=1)

    assert audit.text is not None
    assert [clip.clip_id for clip in audit.text.naming] == ["circle/captioned.mp4"]
