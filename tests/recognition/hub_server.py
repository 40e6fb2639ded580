"""A stand-in for the Hugging Face hub: what an upload asks of it, over real HTTP."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_madeUpForTests"
LARGE = (".onnx", ".safetensors")


@dataclass
class Hub:
    """What the hub holds.

    Attributes:
        url: of the server.
        refuses: answers every request with this status; None: none.
        created: what was asked to be created.
        files: contents by name, of what was committed.
        commits: how many commits there were.
    """

    url: str = ""
    refuses: int | None = None
    created: list[dict[str, object]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 0
    uploads: dict[str, bytes] = field(default_factory=dict)


@contextmanager
def hub_server() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            self._answer(404, {"error": "not here"})

        def do_PUT(self) -> None:
            hub.uploads[self.path.rpartition("/")[2]] = self._body()
            self._answer(200, {})

        def do_POST(self) -> None:
            body = self._body()
            if hub.refuses is not None:
                self._answer(hub.refuses, {"error": "refused by the stand-in"})
            elif self.headers.get("authorization") != f"Bearer {TOKEN}":
                self._answer(401, {"error": "unknown token"})
            elif self.path == "/api/repos/create":
                hub.created.append(json.loads(body))
                self._answer(200, {"url": f"{hub.url}/anna/signs"})
            elif self.path == "/api/validate-yaml":
                self._answer(200, {"errors": [], "warnings": []})
            elif self.path == "/api/models/anna/signs/preupload/main":
                names = [each["path"] for each in json.loads(body)["files"]]
                self._answer(200, {"files": list(map(_mode, names))})
            elif self.path == "/anna/signs.git/info/lfs/objects/batch":
                wanted = json.loads(body)["objects"]
                self._answer(200, {"transfer": "basic", "objects": list(map(_upload, wanted))})
            elif self.path == "/api/models/anna/signs/commit/main":
                self._commit([json.loads(line) for line in body.splitlines()])
                self._answer(
                    200, {"commitUrl": f"{hub.url}/anna/signs/commit/0", "commitOid": "0" * 40}
                )
            else:
                self._answer(404, {"error": f"the stand-in knows no {self.path}"})

        def _commit(self, lines: list[dict[str, dict[str, str]]]) -> None:
            hub.commits += 1
            for line in lines:
                told = line["value"]
                if line["key"] == "file":
                    hub.files[told["path"]] = base64.b64decode(told["content"])
                elif line["key"] == "lfsFile":
                    hub.files[told["path"]] = hub.uploads[told["oid"]]

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding") == "chunked":
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            return self.rfile.read(int(self.headers.get("content-length", 0)))

        def _answer(self, status: int, value: object) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _mode(name: str) -> dict[str, object]:
        mode = "lfs" if name.endswith(LARGE) else "regular"
        return {"path": name, "uploadMode": mode, "shouldIgnore": False}

    def _upload(wanted: dict[str, object]) -> dict[str, object]:
        action = {"upload": {"href": f"{hub.url}/put/{wanted['oid']}"}}
        return {"oid": wanted["oid"], "size": wanted["size"], "actions": action}

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
