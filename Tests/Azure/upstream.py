"""Runs the tests that Azure's SDK for Python ships in its source distribution, unmodified, over plain http and over TLS with a token.

    upstream.py FOLDER

FOLDER keeps the distribution, which comes from PyPI once.
"""
import os
import pathlib
import subprocess
import sys
import tarfile

from conftest import Daemon, guarded

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "azure-digitaltwins-core"


def tests(folder):
    """The folder of the distribution's tests."""
    pinned = next(line for line in (HERE / "requirements.txt").read_text().split() if line.startswith(PACKAGE))
    version = pinned.partition("==")[2]
    unpacked = folder / f"{PACKAGE.replace('-', '_')}-{version}"
    if not unpacked.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", PACKAGE,
             "--dest", folder, pinned], check=True)
        [archive] = folder.glob("azure*digitaltwins*core*.tar.gz")
        with tarfile.open(archive) as file: file.extractall(folder, filter="data")
    return unpacked / "tests"


def main():
    folder = tests(pathlib.Path(sys.argv[1]))
    failed = 0
    for daemon in (Daemon(), guarded()):
        environment = {**os.environ, "PYTHONPATH": str(HERE / "upstream"), "TWINDROP_URL": daemon.url, "TWINDROP_TOKEN": daemon.token}
        if daemon.certificate: environment["TWINDROP_CERTIFICATE"] = str(daemon.home / daemon.certificate)
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "pytest", "-p", "standin", "-q", "--no-header", "-p", "no:cacheprovider", "-W", "ignore",
                 "--tb=short"], cwd=folder, env=environment)
            failed = failed or ended.returncode
        finally:
            failed = daemon.stop() or failed
    sys.exit(failed)


if __name__ == "__main__": main()
