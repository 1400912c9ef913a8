"""An nginx for tests, in front of several servers as in a deployment, on a free port."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import ROOT, Closing, Program, accepts_connections, free_port, tool

CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log stderr;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream hub {{
        {servers}
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{port};
        gzip on;
        gzip_types application/json text/event-stream;
        location / {{
            proxy_pass http://hub;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""


class Nginx(Closing):
    """A running nginx that spreads requests over the servers at these ports, and skips a server that does not answer.

    It buffers and compresses by default, so a stream must ask not to be delayed.
    """

    def __init__(self, servers: Sequence[int | Path], given: str = CONFIGURATION) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="hub-nginx-"))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(self.written(given, servers))
        command = [tool("nginx"), "-c", str(configuration), "-p", str(self.folder), "-e", "stderr"]
        self._program = Program(command, log=self.folder / "log")
        try:
            self._program.wait_until_ready(lambda: accepts_connections(self.port))
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    def written(self, given: str, servers: Sequence[int | Path]) -> str:
        named = "\n        ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in servers)
        return given.format(folder=self.folder, port=self.port, servers=named)

    def close(self) -> None:
        self._program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


TEMPORARY = "".join(
    f"{kind}_temp_path {{folder}}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


class Front(Nginx):
    """The nginx of `deploy/`, before two servers: its `url` is https, with a self-signed certificate.

    A server is a port of this machine, or a socket file. `inside` is the port for Prometheus, which reads the processes
    by the socket files in the folder `sockets`. `connecting` is how often one address may connect: its rate and burst.
    `listed` is an origin of `LIVE_ALLOWED_ORIGINS`. One worker takes the servers in turns.
    """

    def __init__(
        self,
        servers: tuple[int | Path, int | Path],
        folder: Path,
        *,
        sockets: Path = Path("/run/hub"),
        head_seconds: float = 10,
        connecting: tuple[str, int] = ("200r/s", 4000),
        listed: str = "",
    ) -> None:
        self._head_seconds, self._sockets, self._connecting = head_seconds, sockets, connecting
        self._listed = listed
        self.plain, self.inside = free_port(), free_port()
        self._certificate, self._key = folder / "hub.pem", folder / "hub.key"
        made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=hub"]
        written = ["-keyout", str(self._key), "-out", str(self._certificate)]
        subprocess.run([tool("openssl"), *made, *written], check=True, capture_output=True)
        super().__init__(servers, (ROOT / "deploy" / "nginx.conf").read_text())
        self.url = f"https://127.0.0.1:{self.port}"

    def written(self, given: str, servers: Sequence[int | Path]) -> str:
        one, other = (f"unix:{one}" if isinstance(one, Path) else f"127.0.0.1:{one}" for one in servers)
        for there, here in {
            "worker_processes auto;": f"daemon off; pid {self.folder}/pid; error_log stderr; worker_processes 1;",
            "http {": "http {" + TEMPORARY.format(folder=self.folder),
            "access_log /var/log/nginx/access.log plain;": f"access_log {self.folder}/access.log plain;",
            "client_header_timeout 10s;": f"client_header_timeout {self._head_seconds:g}s;",
            '"" 0;': f'"" 0; "{self._listed}" 0;' if self._listed else '"" 0;',
            "rate=200r/s": f"rate={self._connecting[0]}",
            "burst=4000": f"burst={self._connecting[1]}",
            "server unix:/run/hub/web-1.sock": f"server {one}",
            "server unix:/run/hub/web-2.sock": f"server {other}",
            "http://unix:/run/hub/": f"http://unix:{self._sockets}/",
            "listen 127.0.0.1:8081;": f"listen 127.0.0.1:{self.inside};",
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "/etc/ssl/hub.example.pem": str(self._certificate),
            "/etc/ssl/hub.example.key": str(self._key),
        }.items():
            assert there in given, there
            given = given.replace(there, here)
        return given
