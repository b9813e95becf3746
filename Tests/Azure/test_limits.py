"""Bounds on what one client may take, and what others notice of it: bodies, heads, time, connections, large drops, the end."""
import json
import socket
import statistics
import threading
import time
import urllib.parse

import pytest
from conftest import MACHINES, Daemon, guarded, interface
from test_wire import error_code, send

ALIVE = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def strict():
    daemon = Daemon("""\
http:
  limits: {body: 2 KiB, models: 4 KiB, headers: 4 KiB, connections: 8, read-time: 1s, idle-time: 2s, stop-time: 20s, twins: 3}
""")
    yield daemon
    daemon.stop()


def connected(daemon):
    address = urllib.parse.urlsplit(daemon.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=15)
    return connection


def answer(connection):
    """All that comes until the server closes."""
    text = b""
    while part := connection.recv(65536): text += part
    return text


def test_bodies_have_a_limit_of_their_kind(strict):
    assert error_code(send(strict, "POST", "/query", {"query": "x" * 3000})) == (413, "RequestEntityTooLarge")
    small = interface("dtmi:test:S;1", comment="x" * 500)
    assert send(strict, "POST", "/models", [{**small, "@id": f"dtmi:test:S{n};1"} for n in range(4)])[0] == 201
    assert error_code(send(strict, "POST", "/models", [small] * 10)) == (413, "RequestEntityTooLarge")


def test_a_body_whose_length_nobody_says_has_the_same_limit(strict):
    connection = strict.connection()
    connection.request("POST", "/query?api-version=2023-10-31", (b"x" * 1000 for _ in range(5)), encode_chunked=True,
                       headers={"Transfer-Encoding": "chunked"})
    assert connection.getresponse().status == 413


def test_heads_have_a_limit(strict):
    connection = connected(strict)
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 8192 + b"\r\n\r\n")
    assert answer(connection).startswith((b"HTTP/1.1 400", b"HTTP/1.1 431"))
    assert send(strict, "GET", "/healthz", version=None)[0] == 200


@pytest.mark.parametrize("head", [
    b"POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n{",  # The body never ends.
    b"GET /healthz HTTP/1.1\r\nHost:",  # Nor does the head.
    b"",
])
def test_a_client_that_stops_in_the_middle_is_let_go(strict, head):
    connection = connected(strict)
    connection.sendall(head)
    begin = time.monotonic()
    try:
        while connection.recv(65536): pass
    except ConnectionResetError:
        pass
    assert time.monotonic() - begin < 12  # Two seconds by the settings; the rest is for a busy machine.


def test_a_client_that_does_not_read_holds_up_nobody_and_is_let_go():
    daemon = Daemon("http:\n  limits: {write-time: 1s}\n")
    try:
        client = daemon.client()
        for number in range(12):  # More than the buffers of the system take.
            text = [{"@type": "Property", "name": f"p{n}", "schema": "string", "comment": "x" * 500} for n in range(1500)]
            client.create_models([interface(f"dtmi:test:L{number};1", text)])
        held = []
        for _ in range(6):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(15)
            address = urllib.parse.urlsplit(daemon.url)
            connection.connect((address.hostname, address.port))
            connection.sendall(b"GET /models?includeModelDefinition=true&api-version=2023-10-31 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            held.append(connection)
        heads = [connection.recv(2048) for connection in held]
        for _ in range(50):
            begin = time.monotonic()
            assert send(daemon, "GET", "/models/dtmi:test:L1;1")[0] == 200
            assert send(daemon, "POST", "/query", {"query": "SELECT COUNT() FROM DIGITALTWINS"})[0] == 200
            assert time.monotonic() - begin < 5
        time.sleep(2)  # Such a client is what this is about: it rests for longer than it may.
        for connection, head in zip(held, heads):
            length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
            assert length > 8 << 20
            read = 0
            try:
                while part := connection.recv(1 << 20): read += len(part)
            except ConnectionResetError:
                pass
            assert read < length
    finally:
        daemon.stop()


def test_more_connections_than_allowed_wait_for_their_turn(strict):
    held = [connected(strict) for _ in range(8)]
    for connection in held:
        connection.sendall(ALIVE)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    late = connected(strict)
    late.sendall(ALIVE)
    late.settimeout(0.3)
    with pytest.raises(TimeoutError): late.recv(65536)
    held.pop().close()
    late.settimeout(15)
    assert late.recv(65536).startswith(b"HTTP/1.1 200")
    for connection in held: connection.close()


def test_the_graph_has_as_many_twins_as_configured(strict):
    client = strict.client()
    model = interface("dtmi:test:N;1")
    client.create_models([model])
    for number in range(3): client.upsert_digital_twin(f"t{number}", {"$metadata": {"$model": model["@id"]}})
    body = {"$metadata": {"$model": model["@id"]}}
    assert error_code(send(strict, "PUT", "/digitaltwins/t3", body)) == (400, "TwinLimitReached")
    client.upsert_digital_twin("t0", body)
    client.delete_digital_twin("t1")
    client.upsert_digital_twin("t3", body)


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(strict):
    connection = connected(strict)
    body = json.dumps({"query": "SELECT COUNT() FROM DIGITALTWINS"}).encode()
    connection.sendall(b"POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
                       b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
    first = connection.recv(65536)
    assert first == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert answer(connection).startswith(b"HTTP/1.1 200")


def test_requests_in_hand_are_answered_when_the_daemon_ends(strict):
    connection = connected(strict)
    body = json.dumps({"query": "SELECT COUNT() FROM DIGITALTWINS"}).encode()
    # The head and the beginning of the body are with the daemon (it says so) when it is told to end.
    connection.sendall(b"POST /query?api-version=2023-10-31 HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(body))
    assert connection.recv(65536).startswith(b"HTTP/1.1 100")
    strict.process.terminate()
    connection.sendall(body)
    text = answer(connection)
    assert text.startswith(b"HTTP/1.1 200") and b'"COUNT":0' in text
    assert strict.process.wait(30) == 0


CONFIGURATION = """\
sources:
  machines:
    plugin: mapping
    mapping: machines.yaml
    ready: {rule: rename}
"""


def test_readers_go_on_while_a_large_drop_is_committed():
    """The longest wait of a reader is far below what the commit takes."""
    daemon = Daemon(CONFIGURATION, {"mappings/machines.yaml": MACHINES})
    try:
        def drop(name, rows, run):
            path = daemon.home / "jobs" / name
            path.write_text("id,run\n" + "".join(f"m{n},{run}\n" for n in range(rows)))
            begin = time.monotonic()
            daemon.run("drop", str(path), "--source", "machines", "--wait")
            return time.monotonic() - begin

        drop("first.csv", 10, 0)
        waits, is_over, failures = [], threading.Event(), []

        def read():
            connection = daemon.connection()
            while not is_over.is_set():
                begin = time.monotonic()
                connection.request("GET", "/digitaltwins/m0?api-version=2023-10-31")
                response = connection.getresponse()
                response.read()
                if response.status != 200: failures.append(response.status)
                waits.append(time.monotonic() - begin)

        reader = threading.Thread(target=read)
        reader.start()
        took = drop("large.csv", 400_000, 1)
        is_over.set()
        reader.join()
        assert not failures and len(waits) > 20
        assert statistics.median(waits) < 0.05 and max(waits) < max(1.0, took / 2), (max(waits), took)
        assert daemon.client().get_digital_twin("m399999")["run"] == 1
    finally:
        daemon.stop()


def test_a_stop_over_tls_does_not_wait_for_clients_that_keep_their_connections():
    """They would have to answer the end of TLS, for which the library waits five seconds by itself."""
    daemon = guarded()
    idle = [daemon.connection() for _ in range(3)]
    for connection in idle:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 4
