"""The configuration files of a cluster: supervisord, Redis and its sentinels, PgBouncer, nginx."""

from __future__ import annotations

import os
import shutil

from clustering.folder import database_owner, write_private
from clustering.layout import MASTER, Layout
from clustering.parts import Part, is_store, parts_of, pool_file


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
    file = pool_file(layout)
    users = file.with_name("users.txt")
    file.parent.mkdir(mode=0o700, exist_ok=True)
    write_private(users, f'"hub" "{layout.keys.stores}"\n')
    write_private(file, POOL.format(database_port=layout.database_port, port=layout.pool_port, users=users))
    if (owner := database_owner()) is not None:
        for path in (file.parent, users, file):
            shutil.chown(path, owner)


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


# deploy/nginx.conf gives the reasons for how it passes requests on.
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
    map $uri $address_that_connects {{ default ""; "~^/live/(ws|sse)/$" $binary_remote_addr; }}
    limit_req_zone $address_that_connects zone=connecting:10m rate=200r/s;
    limit_req_status 429;
    map $http_origin $is_unlisted {{ default 1; "" 0; }}
    map "$http_host $http_origin" $is_foreign {{
        default $is_unlisted; "~*^(\\S+?)(:80|:443)? https?://\\1(:80|:443)?$" 0;
    }}
    upstream hub {{
        least_conn;
        {servers}
        keepalive 64;
        keepalive_timeout 3s;
    }}
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $remote_addr;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host "";
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_connect_timeout 3s;
        proxy_read_timeout 60s;
        proxy_next_upstream error timeout;
        proxy_next_upstream_tries 2;
        proxy_next_upstream_timeout 5s;
        location / {{
            proxy_pass http://hub;
        }}
        location /live/ {{
            if ($is_foreign) {{ return 403; }}
            limit_req zone=connecting burst=4000 nodelay;
            proxy_pass http://hub;
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
        servers=" ".join(f"server 127.0.0.1:{port} max_fails=0;" for port in layout.web_ports),
    )
