"""The parts of a bin/cluster, and their configuration. Uses only the standard library."""

from __future__ import annotations

import os
import random
import shutil
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster_folder import Folder, Keys, database_owner, postgres_program, write_private
from cluster_options import Options
from environment import PYTHON, ROOT, fail

MASTER = "main"
"""The name by which sentinels know the first Redis."""
PORTS = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, which could take the port of a part that restarts."""


@dataclass(frozen=True)
class Part:
    """A program that supervisord runs. `stops_by` is the signal that ends it in order."""

    name: str
    command: Sequence[str]
    stops_by: str = "TERM"
    user: str | None = None
    folder: Path = ROOT
    starts_again: bool = True


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The ports of a cluster's parts, and its secrets."""

    folder: Folder
    options: Options
    keys: Keys
    port: int
    database_port: int
    pool_port: int
    redis_ports: Sequence[int]
    sentinel_ports: Sequence[int]
    web_ports: Sequence[int]

    @classmethod
    def on_free_ports(cls, folder: Folder, options: Options, keys: Keys) -> Layout:
        free = _free_ports()
        if options.port is not None and (reason := _reason_not_to_use(options.port)):
            fail(f"port {options.port} cannot be used ({reason}); choose another --port, or leave it out")
        return cls(
            folder=folder,
            options=options,
            keys=keys,
            port=options.port or next(free),
            database_port=next(free),
            pool_port=next(free),
            redis_ports=[next(free) for _ in range(2 if options.sentinel else 1)],
            sentinel_ports=[next(free) for _ in range(3 if options.sentinel else 0)],
            web_ports=[next(free) for _ in range(options.webs)],
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def direct_database_url(self) -> str:
        return f"postgres://hub:{self.keys.stores}@127.0.0.1:{self.database_port}/hub"

    @property
    def database_url(self) -> str:
        """The address that the parts use: PgBouncer's, if there is one."""
        if not self.options.pgbouncer:
            return self.direct_database_url
        return f"postgres://hub:{self.keys.stores}@127.0.0.1:{self.pool_port}/hub?DISABLE_SERVER_SIDE_CURSORS=true"

    def redis_url(self, number: int) -> str:
        """Return the address of a database of Redis, in the form that the site's settings read."""
        if not self.sentinel_ports:
            return f"redis://:{self.keys.stores}@127.0.0.1:{self.redis_ports[0]}/{number}"
        login = f"sentinel://:{self.keys.stores}"
        return ";".join(f"{login}@127.0.0.1:{port}/{number}" for port in self.sentinel_ports)

    def environment(self, *, direct: bool = False) -> dict[str, str]:
        """Return the environment of every part. A variable of the caller replaces a default, but no address."""
        defaults = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": self.keys.secret_key,
            "VAPID_PRIVATE_KEY": self.keys.vapid_private_key,
            "VAPID_SUBJECT": "mailto:hub@example.com",
            # There is no TLS on the way to 127.0.0.1.
            **dict.fromkeys(("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"), "0"),
            "SECURE_HSTS_SECONDS": "0",
        }
        own = {
            "DEBUG": "0",
            "DATABASE_URL": self.direct_database_url if direct else self.database_url,
            "REDIS_URL": self.redis_url(0),
            "REDIS_MASTER": MASTER if self.sentinel_ports else "",
            "CELERY_BROKER_URL": self.redis_url(1),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        return {**defaults, **os.environ, **own}

    def description(self) -> dict[str, object]:
        return {
            "url": self.url,
            "web_urls": [f"http://127.0.0.1:{port}" for port in self.web_ports],
            "database_url": self.database_url,
            "direct_database_url": self.direct_database_url,
            "redis_url": self.redis_url(0),
            "supervisor": str(self.folder.socket),
            "folder": str(self.folder.path),
            "password": self.keys.password,
            "environment": self.environment(),
        }


def parts_of(layout: Layout) -> list[Part]:
    """Return the parts in the order in which they start."""
    served = [*_webs(layout), *_workers(layout), _beat(), _nginx(layout)]
    return [_postgres(layout), *_redis(layout), *_pool(layout), *served]


def is_store(part: Part) -> bool:
    """Return whether a part starts first. The others need the database's tables."""
    return part.name.startswith(("postgres", "redis", "sentinel"))


def _postgres(layout: Layout) -> Part:
    settings = ["max_connections=200", "unix_socket_directories="]
    if layout.options.no_fsync:
        # With synchronous_commit=off too, commits would wait in the memory of a server that is killed.
        settings += ["fsync=off", "full_page_writes=off"]
    given = [part for setting in settings for part in ("-c", setting)]
    where = ["-D", str(layout.folder.database / "data"), "-h", "127.0.0.1", "-p", str(layout.database_port)]
    # SIGINT is the "fast" shutdown, which does not wait for clients to leave.
    return Part("postgres", [postgres_program("postgres"), *where, *given], "INT", database_owner(), Path("/"))


def _redis(layout: Layout) -> Iterator[Part]:
    server, folder = _program("redis-server"), layout.folder.path
    names = ["redis", *(f"redis-{number}" for number in range(2, len(layout.redis_ports) + 1))]
    for name in names:
        # With sentinels a killed one stays away, so that the other takes over.
        yield Part(name, [server, str(folder / f"{name}.conf")], starts_again=not layout.sentinel_ports)
    for number in range(1, len(layout.sentinel_ports) + 1):
        yield Part(f"sentinel-{number}", [server, str(folder / f"sentinel-{number}.conf"), "--sentinel"])


def _pool(layout: Layout) -> Iterator[Part]:
    if layout.options.pgbouncer:
        # Like PostgreSQL, it refuses to run as root.
        yield Part("pgbouncer", [_program("pgbouncer"), str(_pool_file(layout))], "INT", database_owner(), Path("/"))


def _webs(layout: Layout) -> Iterator[Part]:
    for number, port in enumerate(layout.web_ports, 1):
        yield Part(f"web-{number}", [str(PYTHON), "manage.py", "hub_serve", "--port", str(port)])


def _workers(layout: Layout) -> Iterator[Part]:
    options = ["--concurrency=2", "--prefetch-multiplier=1", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    for number in range(1, layout.options.workers + 1):
        name = f"worker-{number}"
        yield Part(name, [*_celery("worker"), *options, f"--hostname={name}@localhost"])


def _beat() -> Part:
    return Part("beat", [*_celery("beat"), "--pidfile=", "--loglevel=WARNING"])


def _celery(command: str) -> list[str]:
    return [str(PYTHON), "-m", "celery", "-A", "config", command]


def _nginx(layout: Layout) -> Part:
    path = layout.folder.path
    return Part("nginx", [_program("nginx"), "-c", str(path / "nginx.conf"), "-p", str(path), "-e", "stderr"])


def _program(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return shutil.which(name, path=path) or name


# Configuration


def write_configuration(layout: Layout) -> None:
    path = layout.folder.path
    for name, text in _redis_configurations(layout).items():
        write_private(path / f"{name}.conf", text)
    write_private(path / "nginx.conf", _nginx_configuration(layout))
    if layout.options.pgbouncer:
        _write_pool_configuration(layout)
    write_private(layout.folder.configuration, _supervisor_configuration(layout))


REDIS = """\
port {port}
bind 127.0.0.1
requirepass {password}
masterauth {password}
save ""
dir {folder}
{more}
"""
SENTINEL = """\
port {port}
bind 127.0.0.1
dir {folder}
sentinel monitor {master} 127.0.0.1 {master_port} 2
sentinel auth-pass {master} {password}
sentinel down-after-milliseconds {master} 2000
sentinel failover-timeout {master} 10000
"""


def _redis_configurations(layout: Layout) -> dict[str, str]:
    """Return a file for each server. Sentinels write into these, so each run begins with new ones."""
    common = {"password": layout.keys.stores, "folder": layout.folder.path}
    first, *others = layout.redis_ports
    follows = f"replicaof 127.0.0.1 {first}"
    servers = {"redis": REDIS.format(port=first, more="", **common)}
    servers |= {f"redis-{n}": REDIS.format(port=port, more=follows, **common) for n, port in enumerate(others, 2)}
    return servers | {
        f"sentinel-{n}": SENTINEL.format(port=port, master=MASTER, master_port=first, **common)
        for n, port in enumerate(layout.sentinel_ports, 1)
    }


POOL = """\
[databases]
hub = host=127.0.0.1 port={database_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
ignore_startup_parameters = extra_float_digits
"""


def _write_pool_configuration(layout: Layout) -> None:
    file = _pool_file(layout)
    users = file.with_name("users.txt")
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(users, f'"hub" "{layout.keys.stores}"\n')
    write_private(file, POOL.format(database_port=layout.database_port, port=layout.pool_port, users=users))
    if (owner := database_owner()) is not None:
        for path in (file.parent, users, file):
            shutil.chown(path, owner)


def _pool_file(layout: Layout) -> Path:
    return layout.folder.path / "pgbouncer" / "pgbouncer.ini"


SUPERVISOR = """\
[unix_http_server]
file={socket}
chmod=0700

[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/supervisord.pid
childlogdir={folder}/logs
minfds=4096
{user}

[supervisorctl]
serverurl=unix://{socket}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# With `startsecs=0` supervisord starts a part again within a second, however often it ends.
PROGRAM = """
[program:{name}]
command={command}
directory={directory}
priority={priority}
autostart={autostart}
autorestart={autorestart}
startsecs=0
stopsignal={signal}
stopwaitsecs=15
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=1
{user}
"""


def _supervisor_configuration(layout: Layout) -> str:
    folder = layout.folder
    head = SUPERVISOR.format(
        socket=_literal(folder.socket), folder=_literal(folder.path), user="user=root" if os.geteuid() == 0 else ""
    )
    return head + "".join(_program_section(layout, number, part) for number, part in enumerate(parts_of(layout), 1))


def _program_section(layout: Layout, priority: int, part: Part) -> str:
    return PROGRAM.format(
        name=part.name,
        command=" ".join(_quoted(word) for word in part.command),
        directory=_literal(part.folder),
        priority=priority,
        autostart="true" if is_store(part) else "false",
        autorestart="true" if part.starts_again else "false",
        signal=part.stops_by,
        log=_literal(layout.folder.log_of(part.name)),
        user=f"user={part.user}" if part.user else "",
    )


def _literal(value: object) -> str:
    """Return text for supervisord's file, in which `%` begins an expansion."""
    return str(value).replace("%", "%%")


def _quoted(word: str) -> str:
    return '"' + _literal(word).replace("\\", "\\\\").replace('"', '\\"') + '"'


NGINX = """\
daemon off;
{user}
pid {folder}/nginx.pid;
worker_processes 2;
events {{ worker_connections 8192; }}
http {{
    log_format plain '$remote_addr [$time_local] "$request_method $uri" $status $upstream_addr $request_time';
    access_log {folder}/logs/access.log plain;
    {temporary}
    client_max_body_size 10m;
    gzip off;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream hub {{
        {servers}
        keepalive 64;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://hub;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host "";
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_read_timeout 60s;
        }}
    }}
}}
"""


def _nginx_configuration(layout: Layout) -> str:
    folder = layout.folder.path
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return NGINX.format(
        folder=folder,
        port=layout.port,
        user="user root;" if os.geteuid() == 0 else "",
        temporary=" ".join(f"{kind}_temp_path {folder}/nginx-{kind};" for kind in kinds),
        servers=" ".join(f"server 127.0.0.1:{port} max_fails=1 fail_timeout=1s;" for port in layout.web_ports),
    )


# Ports


def _free_ports() -> Iterator[int]:
    """Return free ports, each one once, in a random order, so that two clusters seldom want the same."""
    for port in random.sample(PORTS, len(PORTS)):
        if not _reason_not_to_use(port):
            yield port
    fail(f"no port from {PORTS.start} to {PORTS.stop - 1} is free")


def _reason_not_to_use(port: int) -> str:
    with socket.socket() as probe:
        # Like the servers, ignore the closed connections of the last run.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return str(error.strerror)
    return ""
