"""Import jobs that read from the web and write their log to it."""
import ipaddress
import json
import socket
import time

import pytest
from azure.core.exceptions import HttpResponseError
from conftest import Daemon
from test_jobs import finished, graph, lines
from test_wire import self_signed
from webserver import WebServer


@pytest.fixture
def web():
    server = WebServer()
    yield server
    server.stop()


@pytest.fixture
def fresh(web):
    daemon = Daemon(f"http:\n  jobs: {{hosts: ['{web.origin}'], download-size: 8 MiB}}\noutbound: {{stall-time: 1s}}\n")
    yield daemon
    daemon.stop()


def ndjson(content):
    return "".join(json.dumps(line) + "\n" for line in content).encode()


def run(daemon, job, source, log):
    """The import from `source`, once it has ended."""
    jobs = daemon.client()._client.import_jobs
    jobs.add(job, {"inputBlobUri": source, "outputBlobUri": log})
    return finished(lambda: jobs.get_by_id(job))


def details(text):
    return [json.loads(line)["details"] for line in text.decode().splitlines()]


def test_proxies_of_the_environment_are_not_used(web, monkeypatch):
    with monkeypatch.context() as environment:
        for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
            environment.setenv(name, "http://127.0.0.1:1")
        daemon = Daemon(f"http:\n  jobs: {{hosts: ['{web.origin}']}}\n")
    web.files["/in"] = ndjson(lines(3))
    try:
        assert run(daemon, "j", f"{web.origin}/in", f"{web.origin}/log").status == "succeeded"
    finally:
        daemon.stop()


@pytest.mark.parametrize("way", ["", "/chunked"])
def test_a_graph_comes_from_a_url_and_the_log_goes_to_one(fresh, web, way):
    web.files["/in.ndjson"] = ndjson(lines(5000))
    job = run(fresh, "web", f"{web.origin}{way}/in.ndjson?sv=1&sig=secret", f"{web.origin}/logs/out.ndjson?sig=hidden")
    assert job.status == "succeeded", job.error
    twins, edges, models = graph(fresh)
    assert len(twins) == 5000 and len(edges) == 4999 and len(models) == 2
    # The log is there before anything is changed, and whole at the end, as a blob.
    first, last = (details(text) for text in web.sent["/logs/out.ndjson"])
    assert first == [{"status": "Started"}] and last[0] == {"status": "Started"} and last[-1] == {"status": "Succeeded"}
    assert web.headers["/logs/out.ndjson"]["x-ms-blob-type"] == "BlockBlob"
    # Signatures are sent and not told.
    assert any("sig=secret" in path for path in web.asked) and any("sig=hidden" in path for path in web.asked)
    shown = fresh.client()._client.import_jobs.get_by_id("web")
    assert shown.input_blob_uri == f"{web.origin}{way}/in.ndjson?redacted"
    kept = b"".join(path.read_bytes() for path in (fresh.home / "state" / "jobs").iterdir())
    assert b"secret" not in kept and b"hidden" not in kept


def test_the_last_line_needs_no_end(fresh, web):
    web.files["/in"] = ndjson(lines(3)).rstrip()
    assert run(fresh, "j", f"{web.origin}/in", f"{web.origin}/log").status == "succeeded"
    assert len(graph(fresh)[1]) == 2


@pytest.mark.parametrize("act, words", [
    ("cut", "lines were read"), ("cut-chunked", "lines were read"), ("silent", "was silent for 1"), ("endless", "without its length"),
    ("coded", "gzip"), ("gone", "404 (BlobNotFound)")])
def test_what_does_not_come_whole_fails_the_job_and_half_a_line_is_none(fresh, web, act, words):
    content = list(lines(5000))  # 5,000 twins, then a section with 4,999 relationships.
    web.files["/in"] = ndjson(content[:-5000]) if act.startswith("cut") else ndjson(content)
    source = f"{web.origin}/{'absent' if act == 'gone' else act + '/in'}"
    job = run(fresh, "j", source, f"{web.origin}/log")
    assert job.status == "failed" and job.error.code == "InputUnavailable", job
    assert web.origin in job.error.message
    assert words in job.error.message
    # Nothing was made of the line that was cut; whole parts before it stay, and the log says how the job ended.
    twins = graph(fresh)[0]
    assert "b4999" not in twins and len(twins) == (4000 if act.startswith("cut") else 0)
    assert details(web.sent["/log"][-1])[-1]["status"] == "Failed"


def test_an_input_that_is_too_large_is_refused(fresh, web):
    web.files["/in"] = ndjson(lines(5)) + (b" " * 99 + b"\n") * 90_000
    for way in ("", "/chunked"):
        job = run(fresh, "j" + way[1:], f"{web.origin}{way}/in", f"{web.origin}/log")
        assert job.status == "failed" and "8388608" in job.error.message


def test_a_log_that_cannot_be_sent_ends_the_job_before_it_changes_anything(fresh, web):
    web.files["/in"] = ndjson(lines(5))
    job = run(fresh, "j", f"{web.origin}/in", f"{web.origin}/denied")
    assert job.status == "failed" and job.error.code == "OutputUnavailable"
    assert "AuthorizationFailure" in job.error.message
    assert graph(fresh) == ({}, set(), set()) and web.asked == []


def test_only_listed_hosts_are_asked_redirects_included(fresh, web):
    other = WebServer()
    other.files["/in"] = web.files["/in"] = ndjson(lines(5))
    try:
        jobs = fresh.client()._client.import_jobs
        port = web.origin.rsplit(":", 1)[1]
        for source in (f"{other.origin}/in", f"http://localhost:{port}/in", f"https://127.0.0.1:{port}/in",
                       f"http://me:pw@127.0.0.1:{port}/in", "http://169.254.169.254/latest", "ftp://127.0.0.1/in"):
            for body in ({"inputBlobUri": source, "outputBlobUri": f"{web.origin}/log"},
                         {"inputBlobUri": f"{web.origin}/in", "outputBlobUri": source}):
                with pytest.raises(HttpResponseError) as error:
                    jobs.add("j", body)
                assert error.value.status_code == 400 and error.value.error.code == "InvalidArgument"
        job = run(fresh, "away", f"{web.origin}/to/{other.origin}/in", f"{web.origin}/log")
        assert job.status == "failed" and other.origin in job.error.message and other.asked == []
        assert run(fresh, "there", f"{web.origin}/to/{web.origin}/in", f"{web.origin}/log").status == "succeeded"
        web.files["/loop"] = b""
        job = run(fresh, "round", f"{web.origin}/to/" * 7 + f"{web.origin}/in", f"{web.origin}/log")
        assert job.status == "failed" and "redirects" in job.error.message
    finally:
        other.stop()


def private_name():
    """A name that leads to an address of this machine or of its network, as names of attackers may; None where there is none."""
    for name in (socket.gethostname(), "localhost.localdomain", "ip6-localhost"):
        try:
            found = {ipaddress.ip_address(entry[4][0]) for entry in socket.getaddrinfo(name, None)}
        except OSError:
            continue
        if not any(address.is_global for address in found):
            return name
    return None


@pytest.mark.skipif(private_name() is None, reason="no name leads to an address of this machine's networks")
def test_names_that_lead_to_private_addresses_are_refused_unless_their_network_is_listed(web):
    name, port = private_name(), web.origin.rsplit(":", 1)[1]
    web.files["/in"] = ndjson(lines(5))
    for networks in ("[]", "['0.0.0.0/0', '::/0']"):
        daemon = Daemon(f"http:\n  jobs: {{hosts: ['http://{name}:{port}']}}\noutbound: {{networks: {networks}, connect-time: 2s}}\n")
        try:
            job = run(daemon, "j", f"http://{name}:{port}/in", str(daemon.home / "jobs" / "log"))
            if networks == "[]":
                assert job.status == "failed" and "public Internet" in job.error.message
            else:  # Whether the server can be reached under that address is another matter.
                assert job.status == "succeeded" or "public Internet" not in job.error.message
        finally:
            daemon.stop()


def test_servers_prove_who_they_are(tmp_path):
    certificate, key = self_signed()
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(key)
    web = WebServer((tmp_path / "cert.pem", tmp_path / "key.pem"))
    web.files["/in"] = ndjson(lines(50))
    try:
        for authorities, status in (("", "failed"), ("  authorities: trusted.pem\n", "succeeded")):
            daemon = Daemon(f"http:\n  jobs: {{hosts: ['{web.origin}']}}\noutbound:\n  connect-time: 5s\n{authorities}",
                            {"trusted.pem": certificate})
            try:
                job = run(daemon, "j", f"{web.origin}/in", str(daemon.home / "jobs" / "log"))
                assert job.status == status, job.error
                assert status == "succeeded" or "certificate" in job.error.message
            finally:
                daemon.stop()
    finally:
        web.stop()


def test_a_download_can_be_cancelled(web):
    web.files["/in"] = ndjson(lines(50))
    daemon = Daemon(f"http:\n  jobs: {{hosts: ['{web.origin}']}}\n")
    try:
        jobs = daemon.client()._client.import_jobs
        jobs.add("j", {"inputBlobUri": f"{web.origin}/silent/in", "outputBlobUri": f"{web.origin}/log"})
        assert web.silent.wait(30)
        jobs.cancel("j")
        assert finished(lambda: jobs.get_by_id("j"), 20).status == "cancelled"
        assert details(web.sent["/log"][-1])[-1] == {"status": "Cancelled"}
    finally:
        daemon.stop()


def test_a_daemon_ends_while_it_downloads(web):
    web.files["/in"] = ndjson(lines(50))
    daemon = Daemon(f"http:\n  jobs: {{hosts: ['{web.origin}']}}\n")
    daemon.client()._client.import_jobs.add(
        "j", {"inputBlobUri": f"{web.origin}/silent/in", "outputBlobUri": f"{web.origin}/log"})
    assert web.silent.wait(30)
    begin = time.monotonic()
    assert daemon.stop() == 0 and time.monotonic() - begin < 15  # Not the 30 s of stall-time.
