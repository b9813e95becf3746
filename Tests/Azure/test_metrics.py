"""A Prometheus of Debian scrapes a running TwinDrop, and is asked what it has seen."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import pytest
from conftest import MACHINE, MACHINES, TWINDROP, Daemon, interface
from test_wire import Tool, send

UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".build" / "prometheus"  # scripts/setup puts it there


def program(name):
    return shutil.which(name) or (str(UNPACKED / name) if (UNPACKED / name).exists() else None)


needs_prometheus = pytest.mark.skipif(
    program("prometheus") is None or program("promtool") is None, reason="there is no prometheus: run scripts/setup")

CONFIGURATION = """\
sources:
  machines: {plugin: mapping, mapping: machines.yaml, ready: {rule: rename}}
  slow: {plugin: mapping, mapping: machines.yaml, ready: {rule: stable, settle: 1h}}
http: {tokens: tokens}
"""


class Prometheus:
    """A Prometheus that scrapes `daemon` every second."""

    def __init__(self, folder, daemon, token):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        target = urllib.parse.urlsplit(daemon.url).netloc
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            f"scrape_configs:\n  - job_name: twindrop\n    authorization: {{credentials: {token}}}\n"
            f"    static_configs: [{{targets: ['{target}']}}]\n")
        subprocess.run([program("promtool"), "check", "config", str(folder / "prometheus.yml")], check=True, stdout=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)

    def ask(self, query):
        """The values of the query's series, by their labels."""
        with urllib.request.urlopen(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": query}), timeout=10) as answer:
            rows = json.load(answer)["data"]["result"]
        return {tuple(sorted((k, v) for k, v in row["metric"].items() if k not in ("__name__", "instance", "job"))): float(row["value"][1])
                for row in rows}

    def wait(self, query, values, patience=40):
        """Waits until the query gives these values."""
        end = time.monotonic() + patience
        seen = None
        while time.monotonic() < end:
            try:
                seen = self.ask(query)
            except OSError as error:  # It is starting still.
                assert self.process.poll() is None, self.log.read_text()
                seen = error
            if seen == values:
                return
            time.sleep(0.1)
        raise AssertionError(f"{query}: {seen}, not {values}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def labels(**pairs):
    return tuple(sorted(pairs.items()))


@pytest.fixture
def token():
    return json.loads(Tool.run("token", "new", "--name", "prometheus", "--role", "viewer", "--json"))


@pytest.fixture
def machines(token):
    model = interface(MACHINE, [{"@type": "Property", "name": "run", "schema": "integer"}])
    daemon = Daemon(CONFIGURATION, {
        "mappings/machines.yaml": MACHINES, "models/machine.json": json.dumps(model), "tokens": token["line"] + "\n"})
    yield daemon
    daemon.stop()


def drop(daemon, name, rows, header="id,run", source="machines", wait=True):
    path = daemon.home / "jobs" / name
    path.write_text(header + "\n" + "".join(row + "\n" for row in rows))
    arguments = [TWINDROP, "drop", str(path), "--source", source, "--home", str(daemon.home)]
    return subprocess.run(arguments + (["--wait"] if wait else []), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode


def worker(daemon):
    """The process id of the only worker."""
    found = []
    for status in pathlib.Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:  # It has ended in between.
            continue
        if lines["Name"].startswith("twindrop-worker") and lines["PPid"].strip() == str(daemon.process.pid):
            found.append(int(lines["Pid"]))
    assert len(found) == 1
    return found[0]


@needs_prometheus
def test_prometheus_sees_what_happened(machines, token, tmp_path):
    assert drop(machines, "first.csv", [f"m{n},1" for n in range(12)]) == 0
    os.kill(worker(machines), signal.SIGKILL)  # The next drop gets another one.
    second = [f"m{n},{2 if n < 4 else 1}" for n in range(12)] + ["m12,many"]
    assert drop(machines, "second.csv", second) == 0
    assert drop(machines, "second.csv", second) == 0
    assert drop(machines, "held.csv", [f"m{n},many" for n in range(20)]) == 1
    assert drop(machines, "bad.csv", ["1,2"], header="a,b") == 1
    drop(machines, "early.csv", ["m50,1"], source="slow", wait=False)
    prometheus = Prometheus(tmp_path, machines, token["token"])
    try:
        prometheus.wait("up", {(): 1.0})
        machine = {"source": "machines"}
        prometheus.wait("twindrop_drops{source='machines'}", {
            labels(**machine, state="done"): 2, labels(**machine, state="duplicate"): 1, labels(**machine, state="held"): 1,
            labels(**machine, state="quarantined"): 1})
        prometheus.wait("twindrop_operations_total{source='machines'} > 0", {
            labels(**machine, outcome="created"): 12, labels(**machine, outcome="updated"): 4, labels(**machine, outcome="unchanged"): 8})
        prometheus.wait("twindrop_records_total{source='machines'}", {
            labels(**machine, outcome="used"): 24, labels(**machine, outcome="rejected"): 1, labels(**machine, outcome="filtered"): 0})
        prometheus.wait("twindrop_twins", {(): 12})
        prometheus.wait("twindrop_worker_restarts_total", {labels(**machine): 1, labels(source="slow"): 0})
        prometheus.wait("twindrop_watcher_restarts_total", {(): 0})
        prometheus.wait("twindrop_source_suspended", {labels(**machine): 0, labels(source="slow"): 0})
        prometheus.wait("twindrop_waiting_files", {labels(**machine): 0, labels(source="slow"): 1})
        prometheus.wait("twindrop_oldest_waiting_file_seconds > bool 0", {labels(**machine): 0, labels(source="slow"): 1})
        prometheus.wait("sum(twindrop_queue_length)", {(): 0})
        assert len(prometheus.ask("twindrop_queue_length")) >= 3
        # Every stage has taken some time, in one of the histogram's buckets; five files were claimed.
        stages = prometheus.ask("twindrop_stage_duration_seconds_sum > 0")
        assert {"claim", "register", "transform", "commit", "archive", "applied"} == {dict(key)["stage"] for key in stages}
        counts = prometheus.ask("twindrop_stage_duration_seconds_count")
        assert counts == {tuple(pair for pair in key if pair[0] != "le"): value for key, value in
                          prometheus.ask("twindrop_stage_duration_seconds_bucket{le='+Inf'}").items()}
        assert counts[labels(stage="commit")] >= 2 and counts[labels(stage="transform")] >= 2
        # Ages grow from one scrape to the next, and the disk has the room that the system says.
        oldest = prometheus.ask("twindrop_oldest_waiting_file_seconds{source='slow'}")[labels(source="slow")]
        prometheus.wait(f"twindrop_oldest_waiting_file_seconds{{source='slow'}} > bool {oldest}", {labels(source="slow"): 1})
        facts = os.statvfs(machines.home)
        size = prometheus.ask("twindrop_disk_size_bytes")
        assert size == {labels(folder=folder): facts.f_blocks * facts.f_frsize for folder in ("state", "dropzone", "archive")}
        assert prometheus.ask("twindrop_disk_free_bytes < twindrop_disk_size_bytes").keys() == size.keys()
        assert prometheus.ask("twindrop_http_requests_total{route='/metrics',status='200'}")
    finally:
        prometheus.stop()


@needs_prometheus
def test_promtool_finds_nothing_to_complain_about(machines, token):
    assert drop(machines, "first.csv", [f"m{n},1" for n in range(12)]) == 0
    text = send(machines, "GET", "/metrics", version=None, headers={"Authorization": "Bearer " + token["token"]})[2]
    ended = subprocess.run([program("promtool"), "check", "metrics"], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert ended.returncode == 0 and not ended.stdout, ended.stdout.decode()
