#!/usr/bin/env python3
"""A large delivery that repeats the one before, beside somebody who writes to twins of it (docs/decisions/0037-conflicts.md).

    conflicts.py [--build DIR] [--rows 400000,2000000] [--rates 1,5,20,100] [--fresh] [--work DIR]

Loads N rows, delivers them again undisturbed, and then once more beside each rate of PATCH calls a second, on twins chosen at random. Prints
how long each delivery took from its rename until it was applied, how many calls were made meanwhile, and checks that no call and no row is lost.
The writer begins 0.2 s before the delivery; with --fresh the daemon is started anew for each rate and the writer begins with the delivery, so
that nobody is known to write when it is read.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent

CONFIGURATION = """\
sources:
  assets:
    plugin: mapping
    mapping: assets.yaml
    ready: {{rule: rename}}
    duplicates: process
log:
  level: info
  events: {events}
"""
MAPPING = """\
twins:
  - id: "a-{id}"
    model: "dtmi:bench:Asset;1"
    properties: {name: name, status: status}
"""
MODEL = {"@context": "dtmi:dtdl:context;3", "@id": "dtmi:bench:Asset;1", "@type": "Interface",
         "contents": [{"@type": "Property", "name": name, "schema": "string"} for name in ("name", "status", "note")]}


class Daemon:
    def __init__(self, build, home):
        self.home = home
        self.log = open(home / "log", "ab")
        self.process = subprocess.Popen([build / "twindrop", "run", "--home", home, "--listen", "127.0.0.1:0"],
                                        stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.applied = threading.Condition()
        self.times = {}
        threading.Thread(target=self.listen, daemon=True).start()  # The daemon waits for whoever reads its events.
        while self.process.stdout.readline().strip() != "ready":
            pass
        url = urllib.parse.urlparse((home / "state/endpoint").read_text().strip())
        self.address = (url.hostname, url.port)

    def listen(self):
        with open(self.home / "events") as lines:
            for line in lines:
                word, _, rest = line.rstrip("\n").partition(" ")
                if word == "applied":
                    name, _, moment = rest.rpartition(" ")
                    with self.applied:
                        self.times[name] = int(moment) / 1e9
                        self.applied.notify_all()

    def drop(self, file, name, seconds=300):
        """Renames a copy of the file into the landing folder; seconds until it was applied, or None."""
        beside = self.home / "dropzone" / ".beside"
        shutil.copyfile(file, beside)
        start = time.time()
        os.rename(beside, self.home / "dropzone/assets" / name)
        with self.applied:
            done = self.applied.wait_for(lambda: name in self.times, seconds)
        return self.times[name] - start if done else None

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Writer(threading.Thread):
    """Writes to random twins, so many times a second, until told to end; knows what it wrote last to each."""

    def __init__(self, address, rows, rate):
        super().__init__(daemon=True)
        self.address, self.rows, self.rate = address, rows, rate
        self.notes, self.over, self.random = {}, threading.Event(), random.Random(7)

    def run(self):
        connection = http.client.HTTPConnection(*self.address)
        number, next_time = 0, time.time()
        while not self.over.is_set():
            row, number = self.random.randrange(self.rows), number + 1
            body = json.dumps([{"op": "add", "path": "/note", "value": f"note {number}"}])
            connection.request("PATCH", f"/digitaltwins/a-{row}?api-version=2023-10-31", body,
                               {"Content-Type": "application/json-patch+json"})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 204, (answer.status, text)
            self.notes[row] = f"note {number}"
            next_time += 1 / self.rate
            self.over.wait(max(0, next_time - time.time()))

    def end(self):
        self.over.set()
        self.join()


def check(address, notes, rows):
    """Every note is there, and every twin has what the file says."""
    connection = http.client.HTTPConnection(*address)
    for row in list(notes) + [0, rows // 2, rows - 1]:
        connection.request("GET", f"/digitaltwins/a-{row}?api-version=2023-10-31")
        twin = json.loads(connection.getresponse().read())
        assert twin["name"] == f"asset {row}" and twin["status"] == "ok", twin
        assert row not in notes or twin.get("note") == notes[row], (row, twin, notes[row])


def measure(build, work, rows, rates, fresh):
    home = work / f"home-{rows}"
    shutil.rmtree(home, ignore_errors=True)
    for folder in ("mappings", "plugins", "dropzone/assets", "models"):
        (home / folder).mkdir(parents=True)
    os.mkfifo(home / "events")
    (home / "twindrop.yaml").write_text(CONFIGURATION.format(events=json.dumps(str(home / "events"))))
    (home / "mappings/assets.yaml").write_text(MAPPING)
    (home / "models/asset.json").write_text(json.dumps(MODEL))
    file = work / f"assets-{rows}.csv"
    with open(file, "w") as out:
        out.write("id,name,status\n")
        out.writelines(f"{row},asset {row},ok\n" for row in range(rows))
    daemon = Daemon(build, home)
    load = daemon.drop(file, "load.csv")
    daemon.drop(file, "again-0.csv")
    alone = sorted(daemon.drop(file, f"again-{n}.csv") for n in (1, 2, 3))[1]
    print(f"| {rows:,} | load | {load:.2f} s | | |", flush=True)
    print(f"| {rows:,} | none | {alone:.2f} s | 1.00 | |", flush=True)
    for rate in rates:
        if fresh:
            daemon.stop()
            daemon = Daemon(build, home)
            daemon.drop(file, f"warm-{rate}.csv")
        writer = Writer(daemon.address, rows, rate)
        writer.start()
        if not fresh:
            time.sleep(0.2 + 1 / rate)
        taken = daemon.drop(file, f"beside-{rate}.csv")
        writer.end()
        check(daemon.address, writer.notes, rows)
        shown = f"{taken:.2f} s | {taken / alone:.2f}" if taken is not None else "not within 300 s | "
        print(f"| {rows:,} | {rate}/s | {shown} | {len(writer.notes)} twins |", flush=True)
    daemon.stop()
    shutil.rmtree(home)
    file.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=REPOSITORY / ".build/release")
    parser.add_argument("--rows", default="400000,2000000")
    parser.add_argument("--rates", default="1,5,20,100")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--work", type=pathlib.Path)
    options = parser.parse_args()
    work = options.work or pathlib.Path(tempfile.mkdtemp(prefix="conflicts-"))
    work.mkdir(exist_ok=True)
    print("| rows | writes | applied after | of undisturbed | written to meanwhile |\n| --- | --- | --- | --- | --- |")
    for rows in map(int, options.rows.split(",")):
        measure(options.build.resolve(), work, rows, [int(rate) for rate in options.rates.split(",")], options.fresh)


if __name__ == "__main__":
    main()
