"""An nginx for tests, in front of several servers as in a deployment, on a free port."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.support.processes import Closing, Program, accepts_connections, free_port, tool

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

    def __init__(self, ports: Sequence[int], given: str = CONFIGURATION) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Path(tempfile.mkdtemp(prefix="hub-nginx-"))
        configuration = self.folder / "nginx.conf"
        configuration.write_text(self.written(given, ports))
        command = [tool("nginx"), "-c", str(configuration), "-p", str(self.folder), "-e", "stderr"]
        self._program = Program(command, log=self.folder / "log")
        try:
            self._program.wait_until_ready(lambda: accepts_connections(self.port))
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    def written(self, given: str, ports: Sequence[int]) -> str:
        servers = "\n        ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in ports)
        return given.format(folder=self.folder, port=self.port, servers=servers)

    def close(self) -> None:
        self._program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
