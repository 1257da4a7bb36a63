"""Starts JupyterLab for `make lab`: `python -m course_tools.run.lab` takes JupyterLab's own options.

Whoever reaches a Jupyter server can run code in your name. By itself it listens on this machine only, asks for a token,
and refuses requests that other web pages make. A configuration of yours may have changed that, and this says so.
"""

from __future__ import annotations

import ipaddress
import sys
from typing import TYPE_CHECKING

from course_tools import output

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def main(argv: list[str]) -> None:
    """Start JupyterLab, after a warning for each way in which it is wider open than a lesson needs it."""
    output.prepare()
    from jupyterlab.labapp import LabApp

    server = LabApp.initialize_server(argv)  # all that is configured is known now, and nobody is served yet
    for line in wider(server):
        print(f"WARNING: {line}", file=sys.stderr)
    if server.loaded_config_files and wider(server):
        print(f"WARNING: Jupyter's settings come from {', '.join(server.loaded_config_files)}", file=sys.stderr)
    server.start()


def wider(server: ServerApp) -> list[str]:
    """List the ways in which a server is wider open than a lesson needs it, a line each."""
    lines = []
    if not server.sock and not _local(server.ip):
        where = server.ip if server.ip not in ("", "0.0.0.0", "::") else "every network of this machine"
        lines.append(f"JupyterLab listens on {where}, not on this machine alone; start it with --ip=127.0.0.1")
    if not server.identity_provider.auth_enabled:
        lines.append(
            "JupyterLab asks for no token: whoever reaches it can run code in your name; take the empty "
            "IdentityProvider.token out of Jupyter's settings"
        )
    for name, risk in {
        "disable_check_xsrf": "other web pages can send requests in your name",
        "allow_remote_access": "other web sites can pass themselves off as this server",
        "allow_origin": "other web pages can read what it answers",
        "allow_origin_pat": "other web pages can read what it answers",
    }.items():
        if value := getattr(server, name):
            lines.append(f"ServerApp.{name} is {value!r}: {risk}; take it out of Jupyter's settings")
    return lines


def _local(ip: str) -> bool:
    try:
        return ip == "localhost" or ipaddress.ip_address(ip).is_loopback
    except ValueError:  # some other name
        return False


if __name__ == "__main__":
    main(sys.argv[1:])
