"""Talking to the Hub: one request at a time, and what its refusals mean.

Whatever goes wrong is told in words of our own. Texts of the libraries below are never passed on:
they may hold the token, a proxy's password, or an address that is signed for this user.
"""

import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import constants, get_session, get_token
from huggingface_hub.errors import OfflineModeIsEnabled

from engine.models.hub.repository import PullError, Repository

_PUBLIC = "https://huggingface.co"
_SECONDS = httpx2.Timeout(30.0, connect=10.0)
"""For the next bytes, and for a connection."""
_MOST_ANSWER = 64 << 20
"""Bytes of what is read whole: lists and settings."""
_PLAIN = re.compile(r"[\x21-\x7e]+")
_GATED, _NO_REVISION, _NO_FILE = "GatedRepo", "RevisionNotFound", "EntryNotFound"
_LOG_IN = "run `hf auth login`, or set HF_TOKEN to your token"


class CutError(Exception):
    """The way to the Hub is cut for now; the message says how. Trying again may help."""


class Hub:
    """The Hub, or what HF_ENDPOINT names instead, as this user sees it.

    The user's own token goes along, if there is one: from HF_TOKEN, or of `hf auth login`.
    """

    def __init__(self, repository: Repository) -> None:
        """Args: repository: the one that is asked about.

        Raises:
            PullError: HF_ENDPOINT is no address, or the token cannot be one.
        """
        self._repository = repository
        self._endpoint = os.environ.get("HF_ENDPOINT", _PUBLIC).rstrip("/")
        address = urlsplit(self._endpoint)
        self.host = address.hostname or ""
        if address.scheme not in ("http", "https") or not self.host:
            raise PullError("HF_ENDPOINT is not an address: start it with https://, or unset it.")
        port = f":{address.port}" if address.port else ""
        self._site = f"{address.scheme}://{self.host}{port}"  # without a password in it
        self.page = f"{self._site}/{repository.name}"
        # Packed bytes would neither have the length that is told nor go on where they were cut.
        self._headers = {"user-agent": "promptsheet", "accept-encoding": "identity"}
        self._is_known = False
        if token := _own_token():
            self._headers["authorization"] = f"Bearer {token}"
            self._is_known = True

    def about(self) -> bytes:
        """What the Hub knows of the repository at its revision, in JSON: its files among it.

        Raises:
            PullError: there is no such, or this user may not see it.
            CutError: the Hub does not answer.
        """
        revision = quote(self._repository.revision, safe="")
        path = f"/api/models/{self._repository.name}/revision/{revision}?blobs=true"
        return self._read(path)

    def small_file(self, commit: str, name: str) -> bytes:
        """A file that is read whole.

        Raises:
            PullError: it is too long, or this user may not have it.
            CutError: the Hub does not answer.
        """
        return self._read(self._path_of(commit, name))

    @contextmanager
    def reading(self, commit: str, name: str, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """A file's bytes from `start` on: where they begin after all, and they.

        Raises:
            PullError: this user may not have it.
            CutError: the Hub does not answer, or no longer.
        """
        wanted = {"range": f"bytes={start}-"} if start else {}
        with self._answer(self._path_of(commit, name), wanted) as response:
            begins = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            whole = response.status_code != HTTPStatus.PARTIAL_CONTENT or begins is None
            yield 0 if whole or begins is None else int(begins[1]), response.iter_raw()

    def beginning(self, commit: str, name: str, size: int) -> bytes:
        """The first `size` bytes of a file, or all of a shorter one; the rest is not sent.

        Raises:
            PullError: this user may not have it.
            CutError: the Hub does not answer, or no longer.
        """
        found = bytearray()
        wanted = {"range": f"bytes=0-{size - 1}"}
        with self._answer(self._path_of(commit, name), wanted) as response:
            for part in response.iter_raw():
                found += part
                if len(found) >= size:  # one that knows no ranges sends all of it
                    break
        return bytes(found[:size])

    def _path_of(self, commit: str, name: str) -> str:
        return f"/{self._repository.name}/resolve/{commit}/{quote(name)}"

    def _read(self, path: str) -> bytes:
        with self._answer(path, {}) as response:
            body = bytearray()
            for part in response.iter_raw():
                body += part
                if len(body) > _MOST_ANSWER:
                    raise PullError(f"{self.host} sent an unexpectedly long answer.")
        return bytes(body)

    @contextmanager
    def _answer(self, path: str, more: Mapping[str, str]) -> Iterator[httpx2.Response]:
        try:
            with get_session().stream(
                "GET",
                f"{self._endpoint}{path}",
                headers=self._headers | dict(more),
                timeout=_SECONDS,
            ) as response:
                if not response.is_success:
                    raise self._refusal(response)
                yield response
        except OfflineModeIsEnabled:
            raise PullError(
                "Nothing was pulled because HF_HUB_OFFLINE is set: unset it to reach the Hub."
            ) from None
        except httpx2.RequestError as error:
            raise CutError(self._cut(error)) from None

    def _refusal(self, response: httpx2.Response) -> Exception:
        """What an answer that is none means."""
        status, code = response.status_code, response.headers.get("x-error-code", "")
        name, revision = self._repository.name, self._repository.revision
        if code == _NO_REVISION:
            return PullError(f"{name} has no revision {revision}. {self.page} lists what it has.")
        if code == _NO_FILE:
            return PullError(f"{name} lists a file that is missing: try again later.")
        if code == _GATED:
            return PullError(self._gate())
        if "disabled" in response.headers.get("x-error-message", "").casefold():
            return PullError(f"{self.host} has taken {name} offline for everyone.")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = response.headers.get("retry-after", "")
            after = f"in {wait} seconds" if wait.isdecimal() else "in a few minutes"
            hint = "" if self._is_known else f" You may ask more often when logged in: {_LOG_IN}."
            return PullError(f"{self.host} asks us to wait: try again {after}.{hint}")
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
            return PullError(self._unseen(status))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE or status >= 500:
            return CutError(f"{self.host} has an internal error ({status})")
        return PullError(f"{self.host} refuses {name} (HTTP {status}).")

    def _gate(self) -> str:
        name = self._repository.name
        if not self._is_known:
            return (
                f"{name} is gated: its makers require you to accept their terms. Log in at"
                f" {self.page}, accept them, then log in here: {_LOG_IN}"
                f" ({self._site}/settings/tokens makes one)."
            )
        return (
            f"{name} is gated, and your account has no access yet. Accept the terms at"
            f" {self.page}; some makers review each request. A fine-grained token also needs"
            " permission to read gated repositories."
        )

    def _unseen(self, status: int) -> str:
        name = self._repository.name
        if status == HTTPStatus.UNAUTHORIZED and self._is_known:
            return (
                f"{self.host} does not accept your token, or you have no access to {name}. Log in"
                f" again: {_LOG_IN}."
            )
        hint = (
            "your account may have no access to it"
            if self._is_known
            else f"if it is private, {_LOG_IN}"
        )
        return f"{self.host} has no repository {name}. Check the spelling; or {hint}."

    def _cut(self, error: httpx2.RequestError) -> str:
        causes = list[BaseException]()
        cause: BaseException | None = error
        while cause is not None and cause not in causes:
            causes.append(cause)
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, httpx2.ProxyError):
            return f"the proxy for {self.host} refused: check HTTPS_PROXY and NO_PROXY"
        if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
            return (
                f"this machine does not trust the certificate of {self.host}; if a proxy inspects"
                " connections, set SSL_CERT_FILE to its certificate"
            )
        if any(isinstance(each, socket.gaierror) for each in causes):
            return f"the address of {self.host} cannot be found"
        if isinstance(error, httpx2.ConnectTimeout | httpx2.ReadTimeout):
            return f"{self.host} does not answer"
        if isinstance(error, httpx2.ConnectError):
            return f"{self.host} cannot be reached"
        return f"the connection to {self.host} broke off"


def cached_file(repository: Repository, digest: str) -> str:
    """Where huggingface_hub's own cache has, or would have, a file with this digest."""
    folder = f"models--{repository.name.replace('/', '--')}"
    return os.path.join(constants.HF_HUB_CACHE, folder, "blobs", digest)  # noqa: PTH118


def _own_token() -> str | None:
    if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN:
        return None
    try:
        token = get_token()
    except Exception:  # a login that has to be renewed first, say
        raise PullError(f"Your login to the Hub is not usable: {_LOG_IN}.") from None
    if token and not _PLAIN.fullmatch(token):
        raise PullError(f"Your token for the Hub contains invalid characters: {_LOG_IN}.")
    return token or None
