"""Tokens of an identity provider, and keys and certificates that change while the daemon runs."""
import base64
import datetime
import http.client
import json
import os
import ssl
import time
import urllib.parse

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from conftest import Daemon, interface
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from test_wire import self_signed, send
from webserver import WebServer

ISSUER, AUDIENCE = "https://login.example/tenant/v2.0", "https://digitaltwins.azure.net"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A key of the provider."""

    def __init__(self, name, kind="EC"):
        self.name, self.kind = name, kind
        self.key = ec.generate_private_key(ec.SECP256R1()) if kind == "EC" else rsa.generate_private_key(65537, 2048)

    def public(self):
        numbers = self.key.public_key().public_numbers()
        common = {"kty": self.kind, "kid": self.name, "use": "sig"}
        if self.kind == "EC":
            return {**common, "crv": "P-256", "alg": "ES256",
                    "x": base64url(numbers.x.to_bytes(32, "big")), "y": base64url(numbers.y.to_bytes(32, "big"))}
        return {**common, "n": base64url(numbers.n.to_bytes(256, "big")), "e": "AQAB"}

    def token(self, **claims):
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "someone", "exp": now + 600, "nbf": now - 10, "roles": ["admin"], **claims}
        head = {"alg": "ES256" if self.kind == "EC" else "RS256", "typ": "JWT", "kid": self.name}
        signed = base64url(json.dumps(head).encode()) + "." + base64url(json.dumps(claims).encode())
        if self.kind == "EC":
            pair = utils.decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
            signature = b"".join(number.to_bytes(32, "big") for number in pair)
        else:
            signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return signed + "." + base64url(signature)


def key_set(*signers):
    # Providers publish keys for encryption too; they are of no use here.
    return json.dumps({"keys": [*(signer.public() for signer in signers),
                                {"kty": "RSA", "kid": "e", "use": "enc", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}]}).encode()


def configuration(keys, more=""):
    return f"http:\n  jwt: {{issuer: {ISSUER}, audience: {AUDIENCE}, keys: '{keys}'}}\n{more}"


def status(daemon, token):
    return send(daemon, "GET", "/models", headers={"Authorization": "Bearer " + token})[0]


def wait_for(condition, patience=30):
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def provider(tmp_path):
    certificate, key = self_signed()
    (tmp_path / "cert.pem").write_text(certificate)
    (tmp_path / "key.pem").write_text(key)
    server = WebServer((tmp_path / "cert.pem", tmp_path / "key.pem"))
    server.certificate = certificate
    yield server
    server.stop()


def test_keys_come_from_the_url_of_the_provider(provider):
    old, new, other = Signer("old"), Signer("new", "RSA"), Signer("other")
    provider.files["/keys"] = key_set(old)
    daemon = Daemon(configuration(f"{provider.origin}/keys", "outbound: {authorities: trusted.pem}\n"), {"trusted.pem": provider.certificate})
    try:
        client = daemon.client(old.token())
        client.create_models([interface("dtmi:test:T;1", [{"@type": "Property", "name": "n", "schema": "integer"}])])
        client.upsert_digital_twin("t", {"$metadata": {"$model": "dtmi:test:T;1"}, "n": 1})
        assert "someone" in daemon.run("explain", "t")  # The token's subject is the origin of its changes.
        assert len(provider.asked) == 1
        # A key that is new to the daemon is asked for with the first token it signed; made-up ones cause no further questions.
        provider.files["/keys"] = key_set(old, new)
        assert status(daemon, new.token()) == 200 and len(provider.asked) == 2
        for _ in range(5):
            assert status(daemon, other.token()) == 401
        assert len(provider.asked) == 2
        for token in (old.token(iss="https://evil.example"), old.token(aud="x"), old.token(exp=int(time.time()) - 3600), old.token() + "x"):
            assert status(daemon, token) == 401
        with pytest.raises(HttpResponseError) as error:
            daemon.client(new.token(roles=["viewer"])).create_models([interface("dtmi:test:U;1")])
        assert error.value.status_code == 403
    finally:
        daemon.stop()


def test_a_provider_that_cannot_be_reached_refuses_tokens_until_it_can(provider):
    signer = Signer("k")
    daemon = Daemon(configuration(f"{provider.origin}/keys", "outbound: {authorities: trusted.pem}\n"), {"trusted.pem": provider.certificate})
    try:  # It answers, and has no keys yet.
        with pytest.raises(ClientAuthenticationError):
            list(daemon.client(signer.token()).list_models())
        code, _, text = send(daemon, "GET", "/readyz", version=None)
        assert code == 503 and b"404" in text
        assert "404" in (daemon.home / "log").read_text()
        provider.files["/keys"] = key_set(signer)
        wait_for(lambda: status(daemon, signer.token()) == 200)
        assert send(daemon, "GET", "/readyz", version=None)[0] == 200
    finally:
        daemon.stop()


def test_a_provider_that_cannot_prove_who_it_is_is_not_believed(provider):
    signer = Signer("k")
    provider.files["/keys"] = key_set(signer)
    daemon = Daemon(configuration(f"{provider.origin}/keys"))
    try:
        assert status(daemon, signer.token()) == 401 and provider.asked == []
    finally:
        daemon.stop()


def test_keys_of_a_file_are_read_again_when_it_changes():
    old, new = Signer("old"), Signer("new")
    daemon = Daemon(configuration("keys.json"), {"keys.json": key_set(old).decode()})
    try:
        assert status(daemon, old.token()) == 200 and status(daemon, new.token()) == 401
        (daemon.home / "keys.new").write_bytes(key_set(new))
        os.replace(daemon.home / "keys.new", daemon.home / "keys.json")
        wait_for(lambda: status(daemon, new.token()) == 200)
        assert status(daemon, old.token()) == 401
    finally:
        daemon.stop()


def served(daemon):
    """The certificate a new connection gets, DER."""
    address = urllib.parse.urlsplit(daemon.url)
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((address.hostname, address.port), timeout=10))


def test_a_certificate_is_taken_up_when_its_files_change(tmp_path):
    first, second = self_signed(), self_signed()
    der = [ssl.PEM_cert_to_DER_cert(certificate) for certificate, _ in (first, second)]
    daemon = Daemon("http:\n  tls: {certificates: cert.pem, key: key.pem}\n", {"cert.pem": first[0], "key.pem": first[1]})
    try:
        address = urllib.parse.urlsplit(daemon.url)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=first[0])
        kept = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=20)

        def answer():
            kept.request("GET", "/metrics")
            reply = kept.getresponse()
            return reply.status, reply.read()

        assert answer()[0] == 200 and served(daemon) == der[0]
        # A certificate without its key: what was in use stays, and the log says so.
        (daemon.home / "cert.pem").write_text(second[0])
        wait_for(lambda: "cannot be used" in (daemon.home / "log").read_text())
        assert served(daemon) == der[0]
        (daemon.home / "key.pem").write_text(second[1])
        wait_for(lambda: served(daemon) == der[1])
        # Connections that were open go on.
        code, text = answer()
        end = [float(line.split()[1]) for line in text.decode().splitlines() if line.startswith("twindrop_tls_certificate_end_seconds ")]
        kept.close()
        assert code == 200 and abs(end[0] - datetime.datetime.now().timestamp() - 2 * 86400) < 3600
    finally:
        daemon.stop()
