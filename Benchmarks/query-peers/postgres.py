# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of its own in a folder, with the graph of query-bench in two tables: ids and models as text, properties as jsonb."""
import glob, os, pwd, re, shutil, statistics, subprocess

TABLES = """
CREATE TABLE twin(id text NOT NULL, model text NOT NULL, doc jsonb NOT NULL);
CREATE TABLE relationship(source text NOT NULL, name text NOT NULL, target text NOT NULL);
\\copy twin FROM '{folder}/twins.tsv'
\\copy relationship FROM '{folder}/relationships.tsv'
ALTER TABLE twin ADD PRIMARY KEY (id);
CREATE INDEX ON twin(model);
CREATE INDEX ON twin((doc->>'batch'));
CREATE INDEX ON relationship(source, name);
CREATE INDEX ON relationship(target);
VACUUM ANALYZE;
"""

# As Debian sets it up, but that the whole graph fits in its memory and a thousand clients get in.
SETTINGS = {"shared_buffers": "2GB", "effective_cache_size": "4GB", "max_connections": "1100", "listen_addresses": "", "max_wal_size": "4GB"}


class Postgres:
    """The server, run as the user `postgres` (or `nobody`) where this script runs as root, which it refuses to be."""

    port = 5499

    def __init__(self, folder):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
        if not found: raise SystemExit("query-peers: there is no PostgreSQL; install the package postgresql.")
        self.bin, self.folder, self.data = found[-1], folder, os.path.join(folder, "data")
        os.makedirs(folder, exist_ok=True)
        shutil.rmtree(self.data, ignore_errors=True)
        self.user = []
        if os.geteuid() == 0:
            name = "postgres" if "postgres" in [p.pw_name for p in pwd.getpwall()] else "nobody"
            self.user = ["setpriv", f"--reuid={name}", f"--regid={pwd.getpwnam(name).pw_gid}", "--clear-groups"]
            os.makedirs(self.data)
            shutil.chown(folder, name)
            shutil.chown(self.data, name)

    def call(self, program, *args, **options):
        path = os.path.join(self.bin, program)
        return subprocess.run([*self.user, path, *args], check=True, cwd=self.folder, stdout=subprocess.PIPE, text=True, **options).stdout

    def __enter__(self):
        self.call("initdb", "-D", self.data, "-U", "bench", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            for key, value in SETTINGS.items(): file.write(f"{key} = '{value}'\n")
            file.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")
        self.call("pg_ctl", "-D", self.data, "-l", os.path.join(self.folder, "log"), "-w", "start")
        self.call("createdb", *self.where(), "bench")
        return self

    def __exit__(self, *_): self.call("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def where(self): return ["-h", self.folder, "-p", str(self.port), "-U", "bench"]

    def sql(self, text): return self.call("psql", *self.where(), "-qAt", "-v", "ON_ERROR_STOP=1", "bench", input=text)

    def load(self, folder): self.sql(TABLES.format(folder=folder))

    def version(self): return self.sql("SHOW server_version").split()[0]

    def explain(self, text, runs):
        """Median of the times the server measured, in ms."""
        told = self.sql(f"EXPLAIN (ANALYZE, TIMING OFF) {text};\n" * runs)
        return statistics.median(float(ms) for ms in re.findall(r"^Execution Time: ([0-9.]+) ms", told, re.M))

    def bench(self, script, clients, seconds, each=0):
        """What pgbench measures with prepared statements and no pause: (requests/s, p50 ms, p99 ms, failed). With `each`, that many
        transactions a client instead of `seconds`, among which pgbench counts the time to connect."""
        for old in glob.glob(os.path.join(self.folder, "times.*")): os.unlink(old)
        path = os.path.join(self.folder, "script.sql")
        with open(path, "w") as file: file.write(" ".join(script.splitlines()) if "\\set" not in script else script)
        told = self.call(
            "pgbench", *self.where(), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, os.cpu_count() or 1)),
            *(["-t", str(each)] if each else ["-T", str(max(1, round(seconds)))]), "-f", path, "-l", "--log-prefix=times", "bench", stderr=subprocess.DEVNULL)
        rate = float(re.search(r"^tps = ([0-9.]+)", told, re.M)[1])
        failed = int(re.search(r"failed transactions: (\d+)", told)[1])
        # Clients without a pause: a transaction takes from the end of the one before to its own. (pgbench 15 writes 0 as its time.)
        ends, times = {}, []
        for path in glob.glob(os.path.join(self.folder, "times.*")):
            with open(path) as file:
                for line in file:
                    client, _, _, _, whole, micro = line.split()
                    end = int(whole) * 1_000_000 + int(micro)
                    if client in ends: times.append(end - ends[client])
                    ends[client] = end
        times.sort()
        return rate, times[len(times) // 2] / 1000, times[len(times) * 99 // 100] / 1000, failed

    def reads(self, clients, seconds, twins):
        """Point reads at random; what `bench` measures."""
        script = f"\\set n random(0, {twins - 1})\nSELECT doc FROM twin WHERE id = 'asset-' || :n;\n"
        if clients <= 100: return self.bench(script, clients, seconds)
        rate = self.bench(script, 32, 1)[0]
        return self.bench(script, clients, seconds, each=max(10, int(rate * seconds / clients)))
