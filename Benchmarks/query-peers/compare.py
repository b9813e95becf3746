#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TwinDrop beside PostgreSQL with jsonb, on the same graph in one run: questions, and point reads with 1, 32
and 1,000 clients. Prints the tables of docs/benchmarks.md.

    compare.py --build .build/release [--twins 1000000] [--seconds 10] [--work DIR] [--python PYTHON]

Needs PostgreSQL's server and wrk (Debian: postgresql, wrk), and a venv with aiohttp, asyncpg and uvloop, which it makes in the work folder
from PyPI unless --python names one. Both sides have everything in memory, on two cores which they share with the clients.
"""
import argparse, http.client, json, os, resource, shutil, signal, subprocess, sys, tempfile, time, urllib.parse

from postgres import Postgres

HOPS = "FROM DIGITALTWINS A JOIN B RELATED A.contains JOIN C RELATED B.contains JOIN D RELATED C.contains"
SQL_HOPS = """FROM relationship a JOIN relationship b ON b.source = a.target AND b.name = 'contains'
    JOIN relationship c ON c.source = b.target AND c.name = 'contains' JOIN twin d ON d.id = c.target
    WHERE a.source = 'asset-42' AND a.name = 'contains'"""

# What is asked, the bar in ms for a million twins, TwinDrop's text, PostgreSQL's (where pgbench takes a colon and a name for a variable).
QUESTIONS = [
    ("one twin by its id", None, "SELECT * FROM DIGITALTWINS WHERE $dtId = 'asset-4711'", "SELECT * FROM twin WHERE id = 'asset-4711'"),
    ("`IS_OF_MODEL`, counted", 50, "SELECT COUNT() FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:bench:M7;1')",
     r"SELECT count(*) FROM twin WHERE model = E'dtmi\x3abench\x3aM7;1'"),
    ("indexed equality, 100 whole twins", 5, "SELECT * FROM DIGITALTWINS T WHERE T.batch = 'B4711'",
     "SELECT * FROM twin WHERE doc->>'batch' = 'B4711'"),
    ("three hops from one twin, 1,000 whole twins", 30, f"SELECT D {HOPS} WHERE A.$dtId = 'asset-42'", f"SELECT d.* {SQL_HOPS}"),
    ("three hops, counted", None, f"SELECT COUNT() {HOPS} WHERE A.$dtId = 'asset-42'", f"SELECT count(*) {SQL_HOPS}"),
    ("scan, a number", 1000, "SELECT COUNT() FROM DIGITALTWINS WHERE temperature > 124.5",
     "SELECT count(*) FROM twin WHERE (doc->>'temperature')::float > 124.5"),
    ("scan, two texts", 1000, "SELECT COUNT() FROM DIGITALTWINS WHERE owner = 'owner7' AND status != 'idle'",
     "SELECT count(*) FROM twin WHERE doc->>'owner' = 'owner7' AND doc->>'status' != 'idle'"),
    ("scan, part of a text", 1000, "SELECT COUNT() FROM DIGITALTWINS WHERE CONTAINS(serial, '4711')",
     "SELECT count(*) FROM twin WHERE position('4711' in doc->>'serial') > 0"),
]
VERSION = "api-version=2023-10-31"


def say(text): print(f"query-peers: {text}", file=sys.stderr, flush=True)


class TwinDrop:
    """A daemon on a home whose graph query-bench has made."""

    def __init__(self, build, home): self.build, self.home = os.path.abspath(build), home

    def load(self, twins):
        os.makedirs(os.path.join(self.home, "state"), mode=0o700, exist_ok=True)
        with open(os.path.join(self.home, "twindrop.yaml"), "w") as file:
            file.write("indexes: [batch]\nhttp: {listen: '127.0.0.1:0'}\nlog: {level: warning}\n")
        os.makedirs(os.path.join(self.home, "archive"), exist_ok=True)
        open(os.path.join(self.home, "archive", "none"), "w").close()  # The place in the archive that query-bench gives its drops.
        subprocess.run([f"{self.build}/query-bench", os.path.join(self.home, "state"), str(twins), "--load"], check=True, stdout=sys.stderr)

    def __enter__(self):
        self.daemon = subprocess.Popen([f"{self.build}/twindrop", "run", "--home", self.home], stdout=subprocess.PIPE, text=True)
        if self.daemon.stdout.readline().strip() != "ready": raise SystemExit("query-peers: twindrop did not start.")
        with open(os.path.join(self.home, "state", "endpoint")) as file: self.address = urllib.parse.urlsplit(file.read().strip()).netloc
        self.connection = http.client.HTTPConnection(self.address)
        return self

    def __exit__(self, *_):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait(60)

    def ask(self, text):
        """One page of at most 2,000 rows. The whole answer is read."""
        self.connection.request(
            "POST", f"/query?{VERSION}", json.dumps({"query": text}), {"Content-Type": "application/json", "max-items-per-page": "2000"})
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200: raise SystemExit(f"query-peers: TwinDrop answered {answer.status} to {text}: {body[:300]!r}")
        return body


def wrk(script, url, clients, seconds, work):
    """What wrk measures over kept-alive connections: (requests/s, p50 ms, p99 ms, failed)."""
    path = os.path.join(work, "requests.lua")
    with open(path, "w") as file: file.write(script + DONE)
    told = subprocess.run(
        ["wrk", f"-t{min(clients, 2)}", f"-c{clients}", f"-d{max(1, round(seconds))}s", "--timeout", "60s", "-s", path, url],
        check=True, capture_output=True, text=True).stdout
    figures = json.loads(told[told.rindex("{"):])
    return figures["requests"] / figures["seconds"], figures["p50"], figures["p99"], figures["failed"]


# Each thread of wrk has an order of its own, the same in every run. The braces are filled in with path and number of twins.
READS = """
local threads = 0
function setup(thread) threads = threads + 1; thread:set("seed", threads) end
function init(args) math.randomseed(seed * 7919) end
function request() return wrk.format("GET", string.format("{}", math.random(0, {} - 1))) end
"""
QUESTION = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["max-items-per-page"] = "2000"
wrk.body = [[{}]]
"""
DONE = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "failed": %d}', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1000, latency:percentile(99) / 1000, e.connect + e.read + e.write + e.status + e.timeout))
end
"""


def rows(answer):
    """How many rows an answer of TwinDrop has, or the number it is."""
    value = json.loads(answer)["value"]
    return value[0]["COUNT"] if len(value) == 1 and "COUNT" in value[0] else len(value)


def ms(value): return f"{value:.2f} ms" if value < 10 else f"{value:,.0f} ms"


class Front:
    """Two processes of front.py before PostgreSQL, with 32 connections each."""

    def __init__(self, python, postgres, port=5498):
        self.arguments = [python, os.path.join(os.path.dirname(os.path.abspath(__file__)), "front.py"), str(port), postgres.folder, str(postgres.port), "32"]
        self.address = f"127.0.0.1:{port}"

    def __enter__(self):
        self.processes = [subprocess.Popen(self.arguments, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for process in self.processes:
            if process.stdout.readline().strip() != "ready": raise SystemExit("query-peers: front.py did not start.")
        return self

    def __exit__(self, *_):
        for process in self.processes: process.kill()
        for process in self.processes: process.wait()


def questions(drop, postgres, work):
    """The table of questions: what a client on the same machine waits for the whole answer, median, one client."""
    print("| question | TwinDrop, HTTP | PostgreSQL, its protocol | PostgreSQL, in the server | bar | |\n| --- | --- | --- | --- | --- | --- |")
    for what, bar, ours, theirs in QUESTIONS:
        began = time.perf_counter()
        mine, other = rows(drop.ask(ours)), int(postgres.sql(f"SELECT count(*) FROM ({theirs}) q"))
        if "count(*)" in theirs: other = int(postgres.sql(theirs))
        if mine != other: raise SystemExit(f"query-peers: {what}: TwinDrop says {mine}, PostgreSQL {other}.")
        seconds = min(30, max(3, 10 * (time.perf_counter() - began)))
        _, found, _, failed = wrk(QUESTION.format(json.dumps({"query": ours})), f"http://{drop.address}/query?{VERSION}", 1, seconds, work)
        if failed: raise SystemExit(f"query-peers: {what}: {failed} requests failed.")
        _, theirs_median, _, _ = postgres.bench(theirs, 1, seconds)
        inside = postgres.explain(theirs, 9)
        verdict = "" if bar is None else "met" if found <= bar else "**missed**"
        print(f"| {what} | **{ms(found)}** | {ms(theirs_median)} | {ms(inside)} | {f'{bar:,} ms' if bar else ''} | {verdict} |", flush=True)


def reads(drop, postgres, front, work, o):
    """The table of point reads: twins of ten properties out of all, at random, by id."""
    print("\n| clients | | requests/s | p50 | p99 | failed |\n| --- | --- | --- | --- | --- | --- |")
    for clients in (1, 32, 1000):
        ours = READS.format(f"/digitaltwins/asset-%d?{VERSION}", o.twins)
        theirs = READS.format("/twin/asset-%d", o.twins)
        for who, call in [
            ("**TwinDrop**, HTTP", lambda: wrk(ours, f"http://{drop.address}", clients, o.seconds, work)),
            ("PostgreSQL behind HTTP (aiohttp, asyncpg)", lambda: wrk(theirs, f"http://{front.address}", clients, o.seconds, work)),
            ("PostgreSQL, its protocol (pgbench, prepared)", lambda: postgres.reads(clients, o.seconds, o.twins)),
        ]:
            rate, middle, late, failed = call()
            print(f"| {clients:,} | {who} | {rate:,.0f} | {ms(middle)} | {ms(late)} | {failed} |", flush=True)


def make_python(work):
    """A Python with the packages of front.py."""
    say("making a venv with aiohttp, asyncpg and uvloop")
    folder = os.path.join(work, "venv")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([f"{folder}/bin/pip", "-q", "install", "aiohttp", "asyncpg", "uvloop"], check=True, stdout=sys.stderr)
    return f"{folder}/bin/python"


def compare(o, work):
    python = o.python or make_python(work)
    data, drop = os.path.join(work, "data"), TwinDrop(o.build, os.path.join(work, "home"))
    os.mkdir(data)
    say(f"{o.twins:,} twins into TwinDrop")
    drop.load(o.twins)
    subprocess.run([f"{o.build}/query-bench", data, str(o.twins), "--export", data], check=True)
    with Postgres(os.path.join(work, "postgres")) as postgres:
        say("the same into PostgreSQL")
        postgres.load(data)
        shutil.rmtree(data)
        with drop, Front(python, postgres) as front:
            twins, relationships = (rows(drop.ask(f"SELECT COUNT() FROM {what}")) for what in ("DIGITALTWINS", "RELATIONSHIPS"))
            theirs = [int(postgres.sql(f"SELECT count(*) FROM {table}")) for table in ("twin", "relationship")]
            if [twins, relationships] != theirs: raise SystemExit(f"query-peers: {twins} twins and {relationships} relationships here, {theirs} there.")
            print(f"{twins:,} twins, {relationships:,} relationships; PostgreSQL {postgres.version()}; {os.cpu_count()} cores\n", flush=True)
            questions(drop, postgres, work)
            reads(drop, postgres, front, work, o)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", required=True, help="the folder with twindrop and query-bench")
    a.add_argument("--twins", type=int, default=1_000_000)
    a.add_argument("--seconds", type=int, default=10, help="of each measurement of point reads")
    a.add_argument("--work", help="where both databases are made; a temporary folder")
    a.add_argument("--python", help="a Python with aiohttp, asyncpg and uvloop")
    o = a.parse_args()
    if not shutil.which("wrk"): raise SystemExit("query-peers: there is no wrk; install the package wrk.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    with tempfile.TemporaryDirectory(prefix="query-peers-", dir=o.work) as work:
        os.chmod(work, 0o755)
        compare(o, work)


if __name__ == "__main__":
    main()
