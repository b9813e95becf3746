"""Fixtures: a daemon of its own for the whole run, and clients of the official SDK that talk to it."""
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.digitaltwins.core import DigitalTwinsClient

sys.path.insert(0, os.path.dirname(__file__))

TWINDROP = os.path.join(os.environ["TWINDROP_BIN"], "twindrop")
VERSION = "2023-10-31"
# What tests drop, where it matters little what: machines, and the run that spoke of each last.
MACHINE = "dtmi:test:Machine;1"
MACHINES = f"""\
twins:
  - id: "{{id}}"
    model: "{MACHINE}"
    properties:
      run: {{column: run, type: int}}
"""


class Credential:
    """What the SDK asks for; the token stands in the header that `Bearer` sets."""

    def __init__(self, token="local"):
        self.token = token

    def get_token(self, *scopes, **options):
        return AccessToken(self.token, int(time.time()) + 86400)


class Bearer(SansIOHTTPPolicy):
    """Sends the token over plain http too, which the SDK's own policy refuses."""

    def __init__(self, token):
        self.token = token

    def on_request(self, request):
        request.http_request.headers["Authorization"] = "Bearer " + self.token


class Daemon:
    """A running twindrop with a home of its own."""

    def __init__(self, configuration="", files=None, token="local", certificate=None):
        self.token, self.certificate = token, certificate
        self.folder = tempfile.TemporaryDirectory(prefix="td-azure-")
        self.home = pathlib.Path(self.folder.name)
        for name in ("jobs", "models", "mappings"): (self.home / name).mkdir()
        for name, text in (files or {}).items():
            (self.home / name).write_text(text)
        (self.home / "twindrop.yaml").write_text("version: 1\n" + configuration)
        self.log = open(self.home / "log", "wb")
        self.process = subprocess.Popen(
            [TWINDROP, "run", "--home", str(self.home), "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=self.log)
        if self.process.stdout.readline() != b"ready\n":
            raise RuntimeError((self.home / "log").read_text())
        self.url = (self.home / "state" / "endpoint").read_text().strip()

    def run(self, *arguments):
        """A command beside the daemon; its output."""
        return subprocess.run(
            [TWINDROP, *arguments, "--home", str(self.home)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def stop(self):
        self.process.terminate()
        code = self.process.wait(30)
        self.log.close()
        self.folder.cleanup()
        return code

    def client(self, token=None, **options):
        token = token or self.token
        if self.certificate:  # The SDK's own policy sends the token.
            options.setdefault("connection_verify", str(self.home / self.certificate))
        else:
            options.setdefault("authentication_policy", Bearer(token))
        # No waits between attempts: a status that clients retry is a mistake here, and would only hide.
        return DigitalTwinsClient(self.url, Credential(token), retry_total=0, **options)

    def connection(self):
        """A plain connection of http.client, without the SDK."""
        address = urllib.parse.urlsplit(self.url)
        if not self.certificate:
            return http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        context = ssl.create_default_context(cafile=self.home / self.certificate)
        return http.client.HTTPSConnection(address.hostname, address.port, timeout=30, context=context)


def guarded(configuration="", files=None):
    """A daemon that is reached over TLS, with a token."""
    from test_wire import self_signed
    made = json.loads(subprocess.run(
        [TWINDROP, "token", "new", "--name", "suite", "--role", "admin", "--json"], check=True, stdout=subprocess.PIPE).stdout)
    certificate, key = self_signed()
    return Daemon(
        "http:\n  tokens: tokens\n  tls: {certificates: cert.pem, key: key.pem}\n" + configuration,
        {"tokens": made["line"] + "\n", "cert.pem": certificate, "key.pem": key, **(files or {})}, made["token"], "cert.pem")


@pytest.fixture(scope="session", params=["plain", "guarded"])
def daemon(request):
    """Every test that asks for it runs twice: over plain http, and over TLS with a token."""
    configuration = "  endpoints: [audit]\n"
    running = guarded(configuration) if request.param == "guarded" else Daemon("http:\n" + configuration)
    yield running
    assert running.stop() == 0, "the daemon did not end cleanly"


@pytest.fixture(scope="session")
def client(daemon):
    return daemon.client()


@pytest.fixture
def name():
    """Makes names that no other test uses."""
    return lambda prefix: prefix + uuid.uuid4().hex[:12]


def interface(model, contents=(), **more):
    return {"@id": model, "@type": "Interface", "@context": "dtmi:dtdl:context;3", "contents": list(contents), **more}


@pytest.fixture
def room(client, name):
    """Models of a room with a thermostat in it, and of a floor that has rooms; their ids."""
    part = name("R")
    ids = {word: f"dtmi:test:{word}{part};1" for word in ("Thermostat", "Space", "Room", "Floor")}
    client.create_models([
        interface(ids["Thermostat"], [
            {"@type": "Property", "name": "setPoint", "schema": "double"},
            {"@type": "Telemetry", "name": "heat", "schema": "double"}]),
        interface(ids["Space"], [{"@type": "Property", "name": "label", "schema": "string"}]),
        interface(ids["Room"], [
            {"@type": "Property", "name": "temperature", "schema": "double"},
            {"@type": "Property", "name": "seats", "schema": "integer"},
            {"@type": "Property", "name": "opened", "schema": "dateTime"},
            {"@type": "Property", "name": "tags", "schema": {"@type": "Map", "mapKey": {"name": "k", "schema": "string"},
                                                             "mapValue": {"name": "v", "schema": "boolean"}}},
            {"@type": "Property", "name": "place", "schema": {"@type": "Object", "fields": [
                {"name": "x", "schema": "double"}, {"name": "y", "schema": "double"}]}},
            {"@type": "Property", "name": "readings", "schema": {"@type": "Array", "elementSchema": "integer"}},
            {"@type": "Component", "name": "thermostat", "schema": ids["Thermostat"]}], extends=ids["Space"]),
        interface(ids["Floor"], [
            {"@type": "Relationship", "name": "has", "target": ids["Space"], "properties": [
                {"@type": "Property", "name": "since", "schema": "date"}]}]),
    ])
    return ids


def room_twin(room, **properties):
    return {"$metadata": {"$model": room["Room"]}, "thermostat": {"$metadata": {}}, **properties}
