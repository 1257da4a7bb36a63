"""What `make lab` opens, started as it starts it: one port of this machine, to whoever has the token."""

import http.client
import json
import os
import re
import shlex
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psutil
import pytest

from course_utils.core.profiles import ROOT

pytestmark = pytest.mark.reliability("security")

LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A running server: its process, what it printed until it could be used, and what its runtime file tells."""

    process: psutil.Process
    said: str
    port: int
    token: str

    def status(self, path, method="GET", **headers):
        """HTTP's status of a request; a way to the login page is not followed."""
        with closing(http.client.HTTPConnection(LOCAL, self.port, timeout=60)) as connection:
            connection.request(method, path, headers=headers)
            return connection.getresponse().status

    def listens(self):
        """The addresses that the server's processes take connections at."""
        processes = [self.process, *self.process.children(recursive=True)]
        return {found.laddr.ip for one in processes for found in one.net_connections() if found.status == "LISTEN"}


def command(*more):
    """What `make lab` runs, without opening a browser, and with what a person might add to it."""
    printed = subprocess.run(["make", "-n", "lab"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    line = shlex.split(next(line for line in printed.splitlines() if "course_tools lab" in line))
    return [sys.executable, *line[1:], "--", "--no-browser", *more]


@contextmanager
def server(folder, *more, settings=None):
    """A `make lab` whose settings are only these."""
    config, runtime = folder / "config", folder / "runtime"
    for path in (config, runtime):
        path.mkdir(parents=True)
    if settings:
        (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    folders = {"JUPYTER_CONFIG_DIR": config, "JUPYTER_RUNTIME_DIR": runtime, "JUPYTER_DATA_DIR": folder / "data"}
    folders["COURSE_HOME"] = folder / "home"
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            command(*more),
            cwd=ROOT,
            env=os.environ | {name: str(path) for name, path in folders.items()},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        known = None
        while known is None:
            assert process.poll() is None, log.read_text()
            known = next(runtime.glob("jpserver-*.json"), None)
            time.sleep(0.1)  # a process of its own: there is nothing to wait for but its file
        told = read_whole(known)
        yield Server(psutil.Process(process.pid), log.read_text(), told["port"], told["token"])
    finally:
        process.terminate()
        process.wait(60)


def read_whole(path):
    """A JSON file that another process may be writing."""
    while True:
        try:
            return json.loads(path.read_text())
        except ValueError:
            time.sleep(0.1)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    with server(tmp_path_factory.mktemp("plain")) as running:
        yield running


def test_it_listens_on_this_machine_only_and_warns_of_nothing(plain):
    assert plain.listens() == {LOCAL}
    assert "WARNING: J" not in plain.said and "WARNING: ServerApp" not in plain.said


def test_it_asks_for_a_token(plain, figure):
    doors = [f"/api/{name}" for name in ("contents", "kernels", "terminals", "sessions", "config/x")]
    doors.append("/files/00_start_here.ipynb")
    for path in doors:
        assert plain.status(path) in (302, 403), path
        assert plain.status(path, Authorization="token wrong") in (302, 403), path
    assert plain.status("/api/kernels", method="POST") == 403
    assert len(plain.token) >= 40
    allowed = {"Authorization": f"token {plain.token}"}
    assert plain.status("/api/contents", **allowed) == 200
    assert plain.status("/api/contents", **allowed, Host="evil.example") == 403
    figure("doors tried without a token", len(doors))


def test_it_serves_copies_without_outputs(plain):
    allowed = {"Authorization": f"token {plain.token}"}
    with closing(http.client.HTTPConnection(LOCAL, plain.port, timeout=60)) as connection:
        connection.request("GET", "/api/contents/01_kannada_gan.ipynb", headers=allowed)
        cells = json.loads(connection.getresponse().read())["content"]["cells"]
    assert len(cells) > 50 and not any(cell.get("outputs") for cell in cells)


WIDE = {
    "ServerApp": {"ip": "0.0.0.0", "allow_origin": "*", "disable_check_xsrf": True, "allow_remote_access": True},
    "IdentityProvider": {"token": ""},
}


def test_settings_that_open_it_wider_do_not_reach_other_machines_and_are_warned_of(plain, amount, tmp_path, figure):
    if not amount(False, True):
        pytest.skip("a second server, which `make reliability` starts")
    with server(tmp_path, f"--port={plain.port}", settings=WIDE) as wide:
        assert wide.port != plain.port, "where its port is taken it takes another"
        assert wide.listens() == {LOCAL}, "make lab's own --ip stands above settings"
        assert wide.status("/api/contents") == 200, "there is no token now, so the warning is true"
        warnings = ["no token", "allow_origin", "disable_check_xsrf", "allow_remote_access", "settings come from "]
        for said in warnings:
            assert re.search(f"WARNING: .*{said}", wide.said), wide.said
        assert "jupyter_server_config.json" in wide.said
        assert "WARNING: JupyterLab listens" not in wide.said
    figure("settings that open JupyterLab wider, warned of", len(warnings) - 1)


def test_who_asks_for_it_to_listen_wider_and_empties_the_token_is_warned(amount, tmp_path, figure):
    if not amount(False, True):
        pytest.skip("a third server, which `make reliability` starts")
    with server(tmp_path, "--IdentityProvider.token=", "--ip=0.0.0.0") as open_to_all:
        assert open_to_all.listens() == {"0.0.0.0"}
        assert "WARNING: JupyterLab listens on every network of this machine" in open_to_all.said
        assert "WARNING: JupyterLab asks for no token" in open_to_all.said
    figure("settings that open JupyterLab wider, warned of", 2)


def test_binder_and_colab_change_none_of_it():
    """They have front ends of their own; nothing of ours that they read configures a server."""
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    odd = r"(^|/)(\.?binder/|postBuild$|start$|apt\.txt$|Dockerfile$|jupyter_[^/]*$)"
    assert not [name for name in names if re.search(odd, name)]
    for name in ("environment.yml", "course_tools/run/online.py", *(n for n in names if n.endswith(".ipynb"))):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"--ip|IdentityProvider|ServerApp|JUPYTER_TOKEN|allow_origin|c\.Notebook", text), name
