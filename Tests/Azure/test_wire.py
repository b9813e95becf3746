"""What the SDK does not show: paths, headers, shapes of errors, tokens, TLS, metrics, slow clients."""
import datetime
import ipaddress
import json
import socket
import ssl
import subprocess
import urllib.parse

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.digitaltwins.core import DigitalTwinsClient
from conftest import TWINDROP, VERSION, Credential, Daemon, interface, room_twin


def send(daemon, method, path, body=None, headers=None, version=VERSION):
    """Status, headers and body of one request, sent as it stands."""
    connection = daemon.connection()
    target = path if version is None else f"{path}{'&' if '?' in path else '?'}api-version={version}"
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    standard = {"Content-Type": "application/json", **({"Authorization": f"Bearer {daemon.token}"} if daemon.certificate else {})}
    connection.request(method, target, data, {**standard, **(headers or {})})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer.status, answer.headers, text


def error_code(answer):
    status, headers, text = answer
    code = json.loads(text)["error"]["code"]
    assert headers["x-ms-error-code"] == code
    return status, code


@pytest.mark.parametrize("version, code", [(None, "ApiVersionUnspecified"), ("", "ApiVersionUnspecified"), ("1999-01-01", "UnsupportedApiVersion")])
def test_every_call_names_a_known_version(daemon, version, code):
    assert error_code(send(daemon, "GET", "/models", version=version)) == (400, code)


def test_paths_match_in_any_case_but_ids_do_not(daemon, client, room, name):
    twin = name("Case")
    client.upsert_digital_twin(twin, room_twin(room))
    assert send(daemon, "GET", f"/DigitalTwins/{twin}")[0] == 200
    assert send(daemon, "GET", f"/digitaltwins/{twin.lower()}")[0] == 404


def test_old_versions_have_no_last_update_time(daemon, client, room, name):
    twin = name("old")
    client.upsert_digital_twin(twin, room_twin(room))
    new = json.loads(send(daemon, "GET", f"/digitaltwins/{twin}")[2])
    old = json.loads(send(daemon, "GET", f"/digitaltwins/{twin}", version="2020-10-31")[2])
    assert "$lastUpdateTime" in new["$metadata"] and "$lastUpdateTime" not in old["$metadata"]


def test_next_links_lead_to_the_host_the_client_named(daemon, client, name):
    for _ in range(3):
        client.create_models([{"@id": f"dtmi:test:{name('N')};1", "@type": "Interface", "@context": "dtmi:dtdl:context;2"}])
    port = urllib.parse.urlsplit(daemon.url).port
    page = json.loads(send(daemon, "GET", "/models", headers={"max-items-per-page": "1", "Host": f"localhost:{port}"})[2])
    link = urllib.parse.urlsplit(page["nextLink"])
    assert link.netloc == f"localhost:{port}" and link.path == "/models"
    again = json.loads(send(daemon, "GET", f"{link.path}?{link.query}", version=None)[2])
    assert len(again["value"]) == 1 and again["value"] != page["value"]


def test_bodies_that_are_no_patch_get_a_problem_document(daemon, client, room, name):
    twin = name("p")
    client.upsert_digital_twin(twin, room_twin(room))
    for body in ({}, "x", [1], b"[", b""):
        status, headers, text = send(daemon, "PATCH", f"/digitaltwins/{twin}", body)
        assert status == 400 and headers["Content-Type"].startswith("application/problem+json")
        assert {"errors", "type", "title", "status", "detail", "instance", "extensions"} == set(json.loads(text))
    status, headers, _ = send(daemon, "PATCH", f"/digitaltwins/{twin}", [])
    assert status == 204 and headers["ETag"].startswith('W/"')


def test_mistakes_get_their_own_answers(daemon):
    assert error_code(send(daemon, "GET", "/nowhere"))[0] == 404
    status, headers, _ = send(daemon, "DELETE", "/query")
    assert status == 405 and headers["Allow"] == "POST"
    assert error_code(send(daemon, "GET", "/digitaltwins/%zz")) == (400, "InvalidArgument")
    assert error_code(send(daemon, "GET", "/digitaltwins/%00")) == (400, "InvalidArgument")
    assert error_code(send(daemon, "GET", "/models?continuationToken=nonsense")) == (400, "BadRequest")
    assert error_code(send(daemon, "POST", "/query", {"query": "x" * 40000}))[0] == 413
    assert error_code(send(daemon, "POST", "/query", b"x=1", {"Content-Type": "text/plain"}))[0] == 415
    assert error_code(send(daemon, "POST", "/digitaltwins/x/telemetry", {})) == (400, "InvalidArgument")


def test_pages_of_other_sites_are_refused(daemon):
    assert error_code(send(daemon, "GET", "/models", headers={"Origin": "https://evil.example"}))[0] == 403
    assert error_code(send(daemon, "GET", "/models", headers={"Host": "evil.example"}))[0] == 403


def test_metrics_and_health_are_shown(daemon):
    assert send(daemon, "GET", "/healthz", version=None)[0] == 200
    assert send(daemon, "GET", "/readyz", version=None)[0] == 200
    status, headers, text = send(daemon, "GET", "/metrics", version=None)
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for family in ("twindrop_twins", "twindrop_http_requests_total", "twindrop_stage_duration_seconds_bucket", "twindrop_disk_free_bytes"):
        assert family.encode() in text


def test_slow_clients_hold_up_nobody(daemon, client):
    slow = []
    for _ in range(40):
        connection = daemon.connection()
        connection.connect()
        head = ("POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                f"Authorization: Bearer {daemon.token}\r\nContent-Length: 100\r\n\r\n{{")
        connection.sock.sendall(head.encode())
        slow.append(connection)
    assert list(client.query_twins("SELECT TOP(1) FROM digitaltwins")) is not None
    for connection in slow:
        connection.close()


def test_tokens_open_what_their_role_allows():
    made = {}
    lines = []
    for role in ("viewer", "operator", "admin"):
        words = json.loads(Tool.run("token", "new", "--name", role, "--role", role, "--json"))
        made[role], line = words["token"], words["line"]
        assert made[role] not in line
        lines.append(line)
    expired = json.loads(Tool.run("token", "new", "--name", "gone", "--role", "admin", "--expires", "2099-01-01", "--json"))
    expired["line"] = expired["line"].replace("2099", "2020")
    daemon = Daemon("http:\n  tokens: tokens\n", {"tokens": "\n".join(lines + [expired["line"]]) + "\n"})
    try:
        model = interface("dtmi:test:T;1", [{"@type": "Property", "name": "n", "schema": "integer"}])
        for token in ("wrong", expired["token"]):
            with pytest.raises(ClientAuthenticationError) as error:
                list(daemon.client(token).list_models())
            assert error.value.status_code == 401
        status, _, text = send(daemon, "GET", "/models")
        assert status == 401 and json.loads(text) == {"statusCode": 401, "message": "Unauthorized"}
        for role in ("viewer", "operator"):
            with pytest.raises(HttpResponseError) as error:
                daemon.client(made[role]).create_models([model])
            assert error.value.status_code == 403
        daemon.client(made["admin"]).create_models([model])
        with pytest.raises(HttpResponseError):
            daemon.client(made["viewer"]).upsert_digital_twin("t", {"$metadata": {"$model": model["@id"]}})
        daemon.client(made["operator"]).upsert_digital_twin("t", {"$metadata": {"$model": model["@id"]}, "n": 1})
        assert daemon.client(made["viewer"]).get_digital_twin("t")["$dtId"] == "t"
        assert "operator" in daemon.run("explain", "t")
    finally:
        assert daemon.stop() == 0


def test_tls_works_with_the_policy_of_the_sdk(tmp_path):
    certificate, key = self_signed()
    token = json.loads(Tool.run("token", "new", "--name", "me", "--role", "admin", "--json"))
    daemon = Daemon("http:\n  tokens: tokens\n  tls: {certificates: cert.pem, key: key.pem}\n",
                    {"tokens": token["line"] + "\n", "cert.pem": certificate, "key.pem": key})
    try:
        assert daemon.url.startswith("https://127.0.0.1:")
        trusted = tmp_path / "cert.pem"
        trusted.write_text(certificate)
        client = DigitalTwinsClient(daemon.url, Credential(token["token"]), connection_verify=str(trusted))
        assert list(client.list_models()) == []
        address = urllib.parse.urlsplit(daemon.url)
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(OSError):
            with socket.create_connection((address.hostname, address.port)) as plain:
                old.wrap_socket(plain)
    finally:
        daemon.stop()


def test_other_machines_need_tls_and_a_token(tmp_path):
    (tmp_path / "twindrop.yaml").write_text("version: 1\n")
    ended = Tool.end("run", "--home", str(tmp_path), "--listen", "0.0.0.0:0")
    assert ended.returncode == 64 and "TLS" in ended.stderr


class Tool:
    """Commands without a home."""

    @staticmethod
    def end(*arguments):
        return subprocess.run([TWINDROP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=30)

    @staticmethod
    def run(*arguments):
        ended = Tool.end(*arguments)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout


def self_signed():
    """A certificate for 127.0.0.1 and its key, PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "twindrop test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    return (certificate.public_bytes(serialization.Encoding.PEM).decode(),
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode())
