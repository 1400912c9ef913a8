"""A PgBouncer for tests, in front of a database. It lends a server connection for one transaction at a time."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.processes import Closing, Program, accepts_connections, free_port, tool

CONFIGURATION = """
[databases]
{name} = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
ignore_startup_parameters = extra_float_digits
"""


class PgBouncer(Closing):
    """A running PgBouncer. `url` leads to the database through at most `size` connections."""

    def __init__(self, database_url: str, size: int) -> None:
        there, port = urlsplit(database_url), free_port()
        self.url = there._replace(netloc=f"{there.username}@127.0.0.1:{port}").geturl()
        self._folder = Path(tempfile.mkdtemp(prefix="hub-pgbouncer-"))
        self._folder.chmod(0o755)
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text(
            CONFIGURATION.format(
                name=there.path[1:], host=there.hostname, port=there.port, user=there.username, own_port=port, size=size
            )
        )
        # PgBouncer refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        self._program = Program([tool("pgbouncer"), str(configuration)], log=self._folder / "log", user=user)
        try:
            self._program.wait_until_ready(lambda: accepts_connections(port))
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    def close(self) -> None:
        self._program.kill()
        shutil.rmtree(self._folder, ignore_errors=True)
