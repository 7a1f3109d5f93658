"""`python -m edge`: one edge."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Option

from edge.eviction import POLICIES
from edge.reload import Settings, reason_of
from edge.workers.folders import settle
from edge.workers.supervisor import supervise
from edge.workers.worker import serve_one_of, serve_worker
from service import config, log
from service.command import fail, run_command
from service.log import get_logger


def edge_command(
    upstream: Annotated[
        list[str] | None,
        Option(metavar="URL", help="The origin or a shield edge; again for what to ask when it fails."),
    ] = None,
    upstream_choice: Annotated[
        str | None, Option(help="order: the first that is well; hash: by cache key and weight.")
    ] = None,
    listen: Annotated[str | None, Option(metavar="HOST:PORT", help="Where viewers ask.")] = None,
    tls_listen: Annotated[
        str | None, Option(metavar="HOST:PORT", help="Where viewers ask in TLS, for HTTP/2 and HTTP/1.1.")
    ] = None,
    tls_certificate: Annotated[Path | None, Option(help="PEM, with its chain; SIGHUP reads it anew.")] = None,
    tls_key: Annotated[Path | None, Option(help="PEM, the certificate's.")] = None,
    tls_min_version: Annotated[str | None, Option(help="1.2 or 1.3.")] = None,
    admin: Annotated[str | None, Option(metavar="HOST:PORT", help="Health, metrics and purge.")] = None,
    admin_token: Annotated[
        str | None, Option(envvar="PENSTOCK_ADMIN_TOKEN", help="What a purge presents.")
    ] = None,
    name: Annotated[str | None, Option(help="This cache's name in Cache-Status.")] = None,
    ram: Annotated[str | None, Option(metavar="SIZE", help="The RAM tier, such as 512MiB.")] = None,
    eviction: Annotated[str | None, Option(help=f"Eviction policy: {', '.join(POLICIES)}.")] = None,
    disk: Annotated[
        Path | None, Option(metavar="DIR", help="The disk tier's folder; none: RAM only.")
    ] = None,
    disk_size: Annotated[str | None, Option(metavar="SIZE", help="The disk tier, such as 10GiB.")] = None,
    workers: Annotated[int | None, Option(help="Processes that share port, fetches and disk.")] = None,
    max_object: Annotated[str | None, Option(metavar="SIZE", help="Larger bodies are not stored.")] = None,
    access_log: Annotated[Path | None, Option(help="JSON lines; SIGHUP opens it anew.")] = None,
    log_level: Annotated[str | None, Option(help="debug, info, warning or error.")] = None,
    config_file: Annotated[
        Path | None, Option("--config", help="TOML; deploy/edge.toml shows every key. Flags win.")
    ] = None,
) -> None:
    """Run an HTTP cache in front of an origin until a signal ends it.

    Example: penstock edge --upstream http://127.0.0.1:8000 --listen 127.0.0.1:8080 --ram 2GiB
    """
    given = dict(locals())
    path = given.pop("config_file")
    try:
        settings = Settings(path, given)
    except config.ConfigError as error:
        raise fail("edge", error) from None
    try:
        serve(settings)
    except config.ConfigError as error:
        raise fail("edge", error) from None
    except OSError as error:
        raise fail("edge", f"cannot serve: {reason_of(error)}", 1) from None


def serve(settings: Settings) -> None:
    """Run one edge until a signal. Raises OSError if it cannot listen or open its log, and ConfigError."""
    now = settings.now
    log.configure(now.log_level)
    if now.disk is not None:
        settle(now.disk, now.workers, get_logger(now.name))
    if now.workers > 1:
        supervise(settings, partial(serve_one_of, settings=settings))
    else:
        serve_worker(now, None, settings=settings)


if __name__ == "__main__":
    run_command(edge_command, name="edge")
