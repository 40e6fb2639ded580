"""The real page in a real browser."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from squares import MOTIONS, write_square_video

from .conftest import PATIENCE, Serve, record_squares

OpenPage = Callable[..., Any]

GLOSSES = sorted(MOTIONS)[:2]


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Opens pages, each in a session of its own, and gives them out once they stand.

    They are closed after the test: a page that films goes on computing as long as it is there.
    """
    with ExitStack() as stack:

        def opened(address: str, **options: Any) -> Any:
            context = stack.enter_context(closing(browser.new_context(**options)))
            context.set_default_timeout(PATIENCE * 1000)
            page = context.new_page()
            page.goto(address)
            page.wait_for_selector(".sf-head")
            page.wait_for_selector(".sf-camera:visible[data-state]")
            return page

        yield opened


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def choose_file(page: Any, path: Path) -> None:
    page.locator(".sf-camera:visible input[type=file]").set_input_files(path)


def test_from_nothing_recorded_to_a_recogniser_without_leaving_the_page(
    open_page: OpenPage, serve: Serve, tmp_path: Path
):
    page = open_page(serve(tmp_path))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    # Without a run the page begins with Record, and asks for names before it films.
    record = page.locator(".sf-camera:visible [data-do=record]")
    record.click()
    page.get_by_text("Type first which sign you will show.").wait_for()
    page.fill("#gloss :is(input, textarea)", "šljiva")
    page.fill("#signer :is(input, textarea)", "Ana")
    page.locator(".sf-camera:visible select").select_option("1.5")
    record.click()
    page.wait_for_selector("#shelf .sf-clip")
    assert [path.name for path in (tmp_path / "clips" / "šljiva").iterdir()] == ["Ana-01.mp4"]

    # One sign with one clip is too little; the page says so in words.
    tab(page, "Train")
    page.locator("#counts").get_by_text("šljiva has 1 of 4").wait_for()
    page.click("#begin")
    page.locator("[data-testid=toast-body]").get_by_text("šljiva has 1 of 4").wait_for()

    tab(page, "Record")
    page.click("#shelf [data-do=remove]")
    page.click("#shelf [data-do=undo]")
    page.wait_for_selector("#shelf .sf-clip")
    page.click("#shelf [data-do=remove]")
    page.wait_for_selector("#shelf [data-do=undo]")
    assert (tmp_path / "clips" / ".trash" / "šljiva" / "Ana-01.mp4").exists()

    record_squares(tmp_path)
    tab(page, "Train")
    page.click("#begin")
    page.wait_for_selector("#training [data-standing]")
    page.reload()
    page.wait_for_selector(".sf-head")
    tab(page, "Train")
    page.wait_for_selector("#training [data-standing=done]")
    page.get_by_text("signers could not be kept apart").wait_for()
    page.get_by_text("training 1 · 2 signs").wait_for()

    page.click("#try-it")
    choose_file(page, tmp_path / "clips" / GLOSSES[0] / "Ana-01.mp4")
    answer = page.wait_for_selector("[data-testid=answer]").inner_text()
    assert answer in {*GLOSSES, "Not sure"}
    assert page.locator("#answer .sf-guess").count() == 2
    assert page.locator("#answer .sf-strip img").count() == 10 + 9
    wide = page.viewport_size
    page.set_viewport_size({"width": 360, "height": 740})
    page.wait_for_function("document.documentElement.scrollWidth <= 360")  # the strip scrolls
    page.set_viewport_size(wide)

    tab(page, "Live")
    page.click("#live [data-do=live]")
    page.wait_for_function("Number(document.querySelector('.sf-live').dataset.frames) >= 5")
    assert "ms a picture" in page.inner_text("#live [data-figure=trip]")
    page.click("#live [data-do=live]")

    places = {urlsplit(url).hostname for url in asked if not url.startswith(("blob:", "data:"))}
    assert places == {"127.0.0.1"}
    assert errors == []


def test_on_a_telephone_nothing_is_cut_off(open_page: OpenPage, serve: Serve, tmp_path: Path):
    record_squares(tmp_path, clips=1)
    size = {"width": 360, "height": 740}
    page = open_page(serve(tmp_path), viewport=size, is_mobile=True, color_scheme="dark")

    for name in ("Record", "Recognise", "Live", "Train"):
        if not page.get_by_role("tab", name=name, exact=True).is_visible():
            page.locator(".overflow-menu > button").click()
            page.locator(".overflow-dropdown").get_by_text(name, exact=True).click()
        else:
            tab(page, name)
        page.get_by_role("tabpanel").locator("visible=true").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        for button in page.locator("[role=tabpanel] button.sf-button:visible").all():
            box = button.bounding_box()
            assert box["height"] >= 44
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= size["width"]


def test_rude_files_and_names_get_a_plain_answer_and_change_nothing(
    open_page: OpenPage, serve: Serve, tmp_path: Path
):
    page = open_page(serve(tmp_path / "signs"))
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video")
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(5 * 2**20))
    good = write_square_video(tmp_path / "good.mp4", gloss="left")

    page.fill("#signer :is(input, textarea)", "<b>Ana</b>")
    page.fill("#gloss :is(input, textarea)", "../../x")
    choose_file(page, good)
    page.get_by_text("holds /, which a file name may not").wait_for()
    page.fill("#gloss :is(input, textarea)", "x")
    choose_file(page, good)
    page.get_by_text("The signer's name '<b>Ana</b>' holds <").wait_for()
    page.fill("#signer :is(input, textarea)", "Ana")
    choose_file(page, large)
    page.get_by_text("large.mp4 is too large: at most 4 MB").wait_for()
    for name, said in [("empty.mp4", "it is empty"), ("text.mp4", "cannot be read as a video")]:
        choose_file(page, tmp_path / name)
        page.get_by_text(f"{name}: cannot be read as a video").first.wait_for()
        page.get_by_text(said).first.wait_for()

    assert not list(tmp_path.rglob("x"))
    assert not list((tmp_path / "signs" / "clips").glob("*"))
    tab(page, "Recognise")
    choose_file(page, good)
    page.get_by_text("There is no recogniser yet.").first.wait_for()


def test_two_at_once_lose_nothing_and_only_one_trains(
    open_page: OpenPage, serve: Serve, tmp_path: Path
):
    address = serve(tmp_path)
    record_squares(tmp_path)
    pages = [open_page(address) for _ in range(2)]
    for number, page in enumerate(pages):
        page.fill("#gloss :is(input, textarea)", GLOSSES[0])
        page.fill("#signer :is(input, textarea)", "Ana")
        video = write_square_video(tmp_path / f"{number}.mp4", gloss=GLOSSES[0], seed=90 + number)
        choose_file(page, video)
    for page in pages:
        page.wait_for_selector("#shelf .sf-clip [data-clip$='Ana-05.mp4']")
    names = {f"Ana-0{number}.mp4" for number in range(1, 7)}
    assert {path.name for path in (tmp_path / "clips" / GLOSSES[0]).iterdir()} == names

    for page in pages:
        tab(page, "Train")
        page.wait_for_selector("#begin:visible")
    pages[0].click("#begin")
    pages[0].wait_for_selector("#training [data-standing=running]")
    pages[1].wait_for_selector("#training [data-standing=running]")
    pages[1].click("#cancel")
    pages[0].wait_for_selector("#training [data-standing=cancelled]")
    pages[0].wait_for_selector("#go-on:visible")
