"""Live clients over HTTP. They read and ask again in a thread, so that a connection stays open during a test."""

from __future__ import annotations

import json
import queue
import socket
import threading
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from tests.support.live_client import PATIENCE, Closed, LiveClient

CODES = {400: 4400, 401: 4401, 403: 4403, 408: 4408, 413: 1009, 429: 4429, 503: 1012}
"""The protocol's close code for each HTTP status."""


class _HttpClient(LiveClient):
    """A client that reads in its own thread, which passes frames on in order."""

    _query: str

    def __init__(self, site_url: str, path: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        address = urlsplit(site_url)
        self._site_url = site_url
        self._path, self._sent = address.path + path, dict(headers)
        self._line = HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._line.connect()
        self._socket: socket.socket = self._line.sock
        self._frames: queue.Queue[str | Closed] = queue.Queue()
        self._left = threading.Event()
        self.status = 0
        self.headers: Message = Message()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def raw_frame(self, patience: float) -> str:
        try:
            frame = self._frames.get(timeout=patience)
        except queue.Empty:
            raise TimeoutError from None
        if isinstance(frame, Closed):
            # Keep it for the next call, because nothing else will arrive.
            self._frames.put(frame)
            raise frame
        return frame

    def leave(self) -> None:
        self._left.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)

    def send(self, **frame: object) -> None:
        body: Any = {"cursor" if name == "ack" else name: value for name, value in frame.items()}
        named = [field for field in parse_qsl(self._query) if field[0] == "token"]
        address = f"{self._site_url}/live/ack/?{urlencode(named)}"
        answer = requests.post(address, json=body, headers=self._sent, timeout=PATIENCE)
        assert answer.status_code == 204, answer.text

    def _run(self) -> None:
        try:
            self._listen()
        except Closed as closed:
            self._frames.put(closed)
        except (OSError, HTTPException, ValueError, AttributeError):
            self._frames.put(Closed(1006, ""))
        finally:
            self._line.close()
            self._socket.close()

    @abstractmethod
    def _listen(self) -> None: ...

    def _ask(self, query: str) -> HTTPResponse:
        self._line.request("GET", f"{self._path}?{query}", headers=self._sent)
        response = self._line.getresponse()
        self.status, self.headers = response.status, response.headers
        if response.status != 200:
            detail = json.loads(response.read())["detail"]
            raise Closed(CODES.get(response.status, response.status), detail)
        return response


class SseClient(_HttpClient):
    """An SSE client. `retry` and `comments` hold the stream's other fields."""

    def __init__(self, site_url: str, query: str, headers: Mapping[str, str]) -> None:
        self._query = query
        self.retry = 0
        self.comments = 0
        super().__init__(site_url, "/live/sse/", {"Accept": "text/event-stream", **headers})

    def _listen(self) -> None:
        text = b""
        with self._ask(self._query) as response:
            while piece := response.read1(65536):
                *blocks, text = (text + piece).split(b"\n\n")
                for block in blocks:
                    self._hear(block.decode())
        raise Closed(1006, "the stream ended without a close event")

    def _hear(self, block: str) -> None:
        fields = dict(line.split(":", 1) for line in block.split("\n"))
        fields = {name: value.removeprefix(" ") for name, value in fields.items()}
        self.retry = int(fields.pop("retry", self.retry))
        if fields.pop("", None) is not None:
            self.comments += 1
        if fields.get("event") == "close":
            close = json.loads(fields["data"])
            raise Closed(close["code"], close["reason"])
        if fields:
            assert set(fields) == {"id", "data"}
            assert json.loads(fields["data"])["cursor"] == fields["id"]
            self._frames.put(fields["data"])


class PollClient(_HttpClient):
    """A client that polls again after each answer. Answers without news are dropped, except the first."""

    def __init__(self, site_url: str, query: str, headers: Mapping[str, str], *, wait: float) -> None:
        self._query = query
        self._wait = wait
        super().__init__(site_url, "/live/poll/", headers)

    def _listen(self) -> None:
        # The server answers a poll with a cursor and no news only after its wait.
        frame = self._poll(self._query, min(self._wait, 1.0))
        self._frames.put(json.dumps(frame))
        topics = urlencode([field for field in parse_qsl(self._query, keep_blank_values=True) if field[0] != "cursor"])
        while not self._left.wait(0.0 if self._wait else 0.1):
            frame = self._poll(f"{topics}&{urlencode({'cursor': frame['cursor']})}", self._wait)
            if frame["events"] or frame["reset"] or frame["more"]:
                self._frames.put(json.dumps(frame))

    def _poll(self, query: str, wait: float) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self._ask(f"{query}&wait={wait:g}").read())
        return frame
