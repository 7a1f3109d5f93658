"""The caches that are compared: ours, nginx and Varnish, each set up as its manual advises for this work.

nginx: sendfile, an open-file cache, cache files on a RAM disk where there is one, a buffered access log,
locking. Varnish: its memory store and shared-memory log (no varnishncsa beside it: in its favour). Neither
has the query in its key: what players say about themselves (CMCD) does not choose a response.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NGINX = """
user root;
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 16384; }}
http {{
  log_format full escape=json '{{"time":$msec,"remote":"$remote_addr","agent":"$http_user_agent",'
    '"url":"$request_uri","status":$status,"bytes":$body_bytes_sent,"cache":"$upstream_cache_status"}}';
  access_log {folder}/nginx-access.log full buffer=256k flush=1s;
  sendfile on;
  tcp_nodelay on;
  keepalive_timeout 75s;
  keepalive_requests 100000000;
  open_file_cache max=10000 inactive=600s;
  open_file_cache_valid 600s;
  open_file_cache_min_uses 1;
  proxy_temp_path {cache}/temp;
  client_body_temp_path {cache}/body;
  fastcgi_temp_path {cache}/fastcgi;
  uwsgi_temp_path {cache}/uwsgi;
  scgi_temp_path {cache}/scgi;
  proxy_cache_path {cache}/store levels=1:2 keys_zone=hot:32m max_size=2g inactive=1d use_temp_path=off;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 16; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096 reuseport;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache hot;
      proxy_cache_key $uri;
      proxy_cache_lock on;
      proxy_cache_revalidate on;
      proxy_cache_use_stale error timeout updating;
      proxy_cache_background_update on;
      add_header Cache-Status $upstream_cache_status;
    }}
  }}
}}
"""

_VCL = """
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{origin}"; }}
sub vcl_hash {{
  hash_data(regsub(req.url, "\\?.*$", ""));
  return (lookup);
}}
sub vcl_deliver {{
  if (obj.hits > 0) {{ set resp.http.Cache-Status = "varnish; hit"; }}
  else {{ set resp.http.Cache-Status = "varnish; fwd=miss"; }}
}}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A cache: its name, what starts it, and the port it answers on."""

    name: str
    command: Sequence[str]
    port: int


def penstock(folder: Path, origin: int, port: int, *options: str) -> Peer:
    command = [sys.executable, "-m", "edge", "--upstream", f"http://127.0.0.1:{origin}"]
    command += ["--listen", f"127.0.0.1:{port}", "--access-log", str(folder / "penstock-access.log")]
    return Peer("penstock", [*command, *options], port)


def nginx(folder: Path, origin: int, port: int, *, on_disk: bool = False, workers: int = 1) -> Peer | None:
    """nginx's proxy_cache, or None where it is not installed; `on_disk`: no RAM disk for its files."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        return None
    memory = Path("/dev/shm")
    cache = (memory if memory.is_dir() and not on_disk else folder) / f"{folder.name}-nginx"
    cache.mkdir(exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, cache=cache, origin=origin, port=port, workers=workers))
    return Peer(
        "nginx", [program, "-c", str(config), "-p", str(folder), "-e", str(folder / "nginx-error.log")], port
    )


def varnish(folder: Path, origin: int, port: int) -> Peer | None:
    """Varnish with its memory store, or None where it is not installed."""
    program = shutil.which("varnishd") or shutil.which("varnishd", path="/usr/sbin")
    if program is None:
        return None
    rules = folder / "varnish.vcl"
    rules.write_text(_VCL.format(origin=origin))
    command = [program, "-F", "-j", "none", "-n", str(folder / "varnish"), "-a", f"127.0.0.1:{port}"]
    command += ["-f", str(rules), "-s", "malloc,1g", "-p", "thread_pools=1", "-p", "thread_pool_min=50"]
    return Peer("varnish", command, port)
