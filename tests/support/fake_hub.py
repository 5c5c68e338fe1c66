"""A hub of models on loopback, which speaks as much as is asked of the real one.

Large files (safetensors, GGUF) are answered as the real one does, by sending the client on to
another host with an address that is signed.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = (".safetensors", ".gguf")
SIGNED = "Signature=not-for-anyone-else"


@dataclass
class FakeRepository:
    """A repository, and what goes wrong with it."""

    files: dict[str, bytes]
    commit: str = COMMIT
    revisions: tuple[str, ...] = ("main",)
    card: dict[str, str] = field(default_factory=lambda: {"license": "mit"})
    gated: bool = False
    open_to: str = ""
    """The token that may see it; empty: anyone may."""
    cuts: dict[str, int] = field(default_factory=dict)
    """A file → after how many bytes its next answer breaks off; of each answer as long as it is
    in `always_cut`."""
    always_cut: bool = False
    wrong: set[str] = field(default_factory=set)
    """Files whose bytes come changed."""
    sizes: dict[str, int] = field(default_factory=dict)
    """What is told instead of a file's size."""


@dataclass
class FakeHub:
    """The server, and what it was asked."""

    address: str = ""
    repositories: dict[str, FakeRepository] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path → headers, in lower case, of each request."""
    failing: tuple[int, dict[str, str]] | None = None
    """A status and headers that everything is answered with."""
    hold: threading.Event | None = None
    """If there is one, files come only when it is set."""

    def ranges(self, name: str) -> list[str]:
        """Where each answer with bytes of a file was to begin."""
        return [
            headers.get("range", "")
            for path, headers in self.asked
            if path.startswith("/signed/") and unquote(path).split("?")[0].endswith(name)
        ]


@contextmanager
def serving() -> Iterator[FakeHub]:
    """A hub that answers until the block ends."""
    hub = FakeHub()

    class Handler(_Handler):
        pass

    Handler.hub = hub
    server = _Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        if hub.hold is not None:
            hub.hold.set()
        server.shutdown()
        server.server_close()
        thread.join()


def git_digest(body: bytes) -> str:
    return hashlib.sha1(f"blob {len(body)}\0".encode() + body).hexdigest()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that leave are no error here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def do_GET(self) -> None:
        hub = self.hub
        hub.asked.append((self.path, {key.lower(): value for key, value in self.headers.items()}))
        parts = urlsplit(self.path)
        words = unquote(parts.path).strip("/").split("/")
        if hub.failing is not None:
            self._refuse(*hub.failing)
        elif words[:2] == ["api", "models"]:
            name, revision = "/".join(words[2:4]), "/".join(words[5:])
            found = self._visible(name)
            if found is not None and revision not in (*found.revisions, found.commit):
                self._refuse(404, {"X-Error-Code": "RevisionNotFound"})
            elif found is not None:
                self._json(_about(name, found, with_sizes="blobs" in parse_qs(parts.query)))
        elif words[0] == "signed":
            self._file(hub.repositories["/".join(words[1:3])], "/".join(words[3:]))
        else:
            name, file = "/".join(words[:2]), "/".join(words[4:])
            found = self._visible(name)
            if found is None:
                return
            if found.gated and not self._may_see(found):
                status = 403 if self.headers.get("authorization") else 401
                self._refuse(status, {"X-Error-Code": "GatedRepo"})
            elif file not in found.files or words[3] != found.commit:
                self._refuse(404, {"X-Error-Code": "EntryNotFound"})
            elif file.endswith(_LARGE):
                port = urlsplit(self.hub.address).port
                self.send_response(302)
                self.send_header(
                    "Location", f"http://localhost:{port}/signed/{name}/{file}?{SIGNED}"
                )
                self.send_header("X-Repo-Commit", found.commit)
                self.send_header("X-Linked-Size", str(len(found.files[file])))
                self.send_header(
                    "X-Linked-Etag", f'"{hashlib.sha256(found.files[file]).hexdigest()}"'
                )
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self._file(found, file)

    def _may_see(self, found: FakeRepository) -> bool:
        return not found.open_to or self.headers.get("authorization") == f"Bearer {found.open_to}"

    def _visible(self, name: str) -> FakeRepository | None:
        """The repository; None, and answered, if there is none for who asks."""
        found = self.hub.repositories.get(name)
        if found is None or (not found.gated and not self._may_see(found)):
            # The real one does not tell strangers which of its repositories are private.
            status = 404 if self.headers.get("authorization") else 401
            self._refuse(status, {"X-Error-Code": "RepoNotFound"} if status == 404 else {})
            return None
        return found

    def _file(self, found: FakeRepository, name: str) -> None:
        body = found.files[name]
        if name in found.wrong:
            body = body[:-1] + bytes([body[-1] ^ 1])
        asked = (self.headers.get("range") or "bytes=0-").removeprefix("bytes=")
        begin, last = int(asked.partition("-")[0]), asked.partition("-")[2]
        rest = body[begin : int(last) + 1 if last else None]
        is_part = begin or last
        self.send_response(206 if is_part else 200)
        if is_part:
            end = begin + len(rest) - 1
            self.send_header("Content-Range", f"bytes {begin}-{end}/{len(body)}")
        self.send_header("Content-Length", str(len(rest)))
        self.send_header("ETag", f'"{git_digest(found.files[name])}"')
        self.send_header("X-Repo-Commit", found.commit)
        self.end_headers()
        cut = found.cuts.get(name) if found.always_cut else found.cuts.pop(name, None)
        if cut is not None:
            rest = rest[:cut]
            self.close_connection = True
        if self.hub.hold is not None and name.endswith(".safetensors"):
            self.wfile.write(rest[: len(rest) // 2])
            self.wfile.flush()
            self.hub.hold.wait()
            rest = rest[len(rest) // 2 :]
        try:
            self.wfile.write(rest)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _json(self, body: Mapping[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _refuse(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's name
        pass


def _about(name: str, found: FakeRepository, *, with_sizes: bool) -> dict[str, object]:
    siblings = []
    for file, body in found.files.items():
        sibling: dict[str, object] = {"rfilename": file}
        if with_sizes:
            sibling |= {"size": found.sizes.get(file, len(body)), "blobId": git_digest(body)}
            if file.endswith(_LARGE):
                digest = hashlib.sha256(body).hexdigest()
                sibling["lfs"] = {"sha256": digest, "size": len(body), "pointerSize": 134}
        siblings.append(sibling)
    return {
        "id": name,
        "sha": found.commit,
        "gated": "auto" if found.gated else False,
        "private": bool(found.open_to and not found.gated),
        "cardData": found.card,
        "siblings": siblings,
    }
