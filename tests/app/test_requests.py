"""What comes in over the wire, without a browser: sizes, names, paths, the published functions."""

import http.client
import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from squares import MOTIONS, Signflow, write_square_video

from signflow.app import is_open, serving
from signflow.errors import UserError

from .conftest import PATIENCE, TINY, Serve, record_squares

DOCS = Path(__file__).parents[2] / "docs" / "app.md"


def connect(address: str) -> http.client.HTTPConnection:
    place = urlsplit(address)
    assert place.hostname is not None
    return http.client.HTTPConnection(place.hostname, place.port, timeout=PATIENCE)


def example(language: str, address: str) -> str:
    """An example of the page's documentation, for this page."""
    found = re.search(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1].replace("http://127.0.0.1:7860", address.rstrip("/"))


def test_what_is_too_large_is_refused_before_it_is_sent(serve: Serve, tmp_path: Path):
    address = serve(tmp_path)
    for path, announced in [
        ("/gradio_api/upload", str(2 * 2**30)),
        ("/gradio_api/component_server", str(9 * 2**20)),
        ("/gradio_api/upload", "many"),
    ]:
        connection = connect(address)
        connection.putrequest("POST", path)
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", announced)
        connection.endheaders()  # not a byte of it follows
        assert connection.getresponse().status in (400, 413)
        connection.close()

    connection = connect(address)
    pieces = (bytes(2**20) for _ in range(10))
    try:
        connection.request(
            "POST",
            "/gradio_api/component_server",
            pieces,
            encode_chunked=True,
            headers={"Transfer-Encoding": "chunked"},
        )
        assert connection.getresponse().status == 413
    except (BrokenPipeError, ConnectionResetError):
        pass  # hung up on while sending: refused as well
    connection.close()

    connection = connect(address)
    connection.request("GET", "/", headers={"Host": "elsewhere.example"})
    assert connection.getresponse().status == 400
    connection.close()


def test_the_examples_of_the_documentation_run(
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    from gradio_client import Client, handle_file

    record_squares(tmp_path / "signs")
    address = serve(tmp_path / "signs")
    write_square_video(tmp_path / "hello.mp4", gloss="left")
    monkeypatch.chdir(tmp_path)
    client = Client(address, verbose=False)
    hello = handle_file("hello.mp4")

    def error(*values: object, name: str) -> str:
        with pytest.raises(Exception) as raised:  # noqa: PT011 - of any kind, with what it says
            client.predict(*values, api_name=name)
        return str(raised.value)

    assert "no recogniser yet" in error(hello, 3, name="/recognise")
    assert "holds /" in error(hello, "../../x", "Ana", name="/record")
    for path in ("/etc/hostname", str(next((tmp_path / "signs").rglob("*.mp4")))):
        assert "no such upload" in error({"path": path}, "x", "Ana", name="/record")
    assert "No training is under way" in error(name="/cancel")

    assert client.predict(api_name="/train")["standing"] == "running"
    assert "one runs at a time" in error(name="/train")
    while (training := client.predict(api_name="/training"))["standing"] == "running":
        time.sleep(0.5)
    assert training["standing"] == "done", training
    assert "95 % interval" in training["meaning"]

    exec(compile(example("python", address), "app.md", "exec"), {})  # the example, as it stands
    printed = capsys.readouterr().out
    assert "hello/Ana-01.mp4" in printed
    assert printed.split()[-1] in {*MOTIONS, "sure"}
    assert client.predict("hello/Ana-01.mp4", api_name="/delete") == {"deleted": "hello/Ana-01.mp4"}

    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    done = subprocess.run(
        ["bash", "-c", example("bash", address)], capture_output=True, text=True, check=True
    )
    assert "event: complete" in done.stdout
    assert '"signs"' in done.stdout


def test_what_does_not_serve_says_why(tmp_path: Path, serve: Serve):
    with pytest.raises(UserError, match="no such file"), serving(TINY.__class__(run=tmp_path)):
        pass
    taken = urlsplit(serve(tmp_path)).port
    assert taken is not None
    with pytest.raises(UserError, match=f"--port {taken}"):
        serve(tmp_path, port=taken)


def test_who_has_no_password_gets_nothing(tmp_path: Path):
    pytest.importorskip("gradio", reason="the page needs Gradio")
    from gradio_client import Client

    record_squares(tmp_path, clips=1)
    clip = next(tmp_path.rglob("*.mp4"))
    config = replace(TINY, folder=tmp_path, auth="ana")
    with serving(config, password="korak po korak") as address:
        for method, path in [
            ("GET", "/config"),
            ("GET", "/gradio_api/info"),
            ("GET", f"/gradio_api/file={clip}"),
            ("POST", "/gradio_api/upload"),
            ("POST", "/gradio_api/call/clips"),
            ("POST", "/gradio_api/queue/join"),
            ("POST", "/gradio_api/component_server"),
        ]:
            connection = connect(address)
            connection.request(method, path, body="{}" if method == "POST" else None)
            assert connection.getresponse().status == 401, path
            connection.close()
        with pytest.raises(Exception, match="Could not login"):
            Client(address, auth=("ana", "another one"), verbose=False)
        client = Client(address, auth=("ana", "korak po korak"), verbose=False)
        assert set(client.predict(api_name="/clips")) == set(list(MOTIONS)[:2])


@pytest.mark.parametrize(
    ("words", "password", "said"),
    [
        (["--auth", "ana"], None, "--auth ana: there is no password; set SIGNFLOW_PASSWORD"),
        (["--auth", "ana"], "short", "has 5 characters; must have 8 or more"),
        (["--auth", " "], "long enough", "auth is ' '; must be a name"),
    ],
)
def test_a_page_with_half_a_lock_is_not_served(
    words: list[str],
    password: str | None,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    signflow: Signflow,
):
    if password is not None:
        monkeypatch.setenv("SIGNFLOW_PASSWORD", password)

    done = signflow("app", *words, "--port", "0", check=False)

    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())


def test_an_address_that_others_reach_is_known_as_such():
    assert [is_open(host) for host in ("127.0.0.1", "::1", "localhost")] == [False] * 3
    assert [is_open(host) for host in ("0.0.0.0", "::", "192.168.0.7", "my-machine")] == [True] * 4
