# SPDX-License-Identifier: Apache-2.0
"""What every crash test shares: runs of the built programs under the shim, and the invariants I1 to I8 of
docs/failure-model.md, "Invariants".

The archive is read here with zstd and Python's tarfile, the database with Python's sqlite3 after the program has ended: neither trusts
what is tested.
"""
import hashlib, io, json, os, re, shutil, sqlite3, subprocess, tarfile, time

import batch, model


class Wrong(Exception):
    """An invariant that does not hold."""


class Builds:
    """The programs under test and the shim, compiled once."""

    def __init__(self, folder, work):
        self.twindrop = os.path.abspath(os.path.join(folder, "twindrop"))
        self.shim = os.path.join(work, "shim.so")
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.shim, os.path.join(here, "shim.c"), "-ldl"], check=True)


class Bench:
    """A folder to run homes in, one at a time."""

    def __init__(self, builds, work, path=None):
        self.builds, self.work = builds, work
        os.makedirs(work, exist_ok=True)
        self.path = path or os.path.join(work, "home")
        self.trace = os.path.join(work, "trace")
        self.err = os.path.join(work, "last.err")

    def fresh(self, is_fed=True):
        """A home, with the batch in its drop zone."""
        shutil.rmtree(self.path, ignore_errors=True)
        batch.make_home(self.path)
        if is_fed: batch.feed(self.path)

    def start(self, at=0, mode=None, sticky=False, count=None, args=("run", "--once")):
        env = {k: v for k, v in os.environ.items() if not k.startswith("CRASH_")}
        if mode or count:
            if os.path.exists(self.trace): os.unlink(self.trace)
            env.update(
                LD_PRELOAD=self.builds.shim, CRASH_ROOT=self.path, CRASH_AT=str(at), CRASH_MODE=mode or "none", CRASH_TRACE=self.trace)
            if count: env["CRASH_COUNT"] = count
            if sticky: env["CRASH_STICKY"] = "1"
        with open(self.err, "w") as err:
            return subprocess.Popen(
                [self.builds.twindrop, *args, "--home", self.path], env=env, stdout=subprocess.DEVNULL, stderr=err)

    def run(self, seconds=90, **options):
        """`twindrop run --once`; the exit code, negative for a signal. Nothing may take `seconds`."""
        process = self.start(**options)
        try: return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Wrong(f"hung: {self.last()}")

    def run_daemon(self, seconds=5, **options):
        """`twindrop run`, which gets the files one after another: each is claimed alone. The exit code, negative for a signal; it is killed
        when a file stays where it is for `seconds`, as on a full disk."""
        process = self.start(args=("run", "--listen", "off"), **options)

        def waited(until, seconds):
            deadline = time.monotonic() + seconds
            while process.poll() is None and not until() and time.monotonic() < deadline: time.sleep(0.002)
            return until()

        goes_on = True
        for path in batch.deliver(self.path):
            # The first waits for the start, too.
            if goes_on: goes_on = waited(lambda: not os.path.exists(path), seconds + 20 * (path.endswith("a-20.csv")))
        if goes_on:
            waited(lambda: sum(f.endswith(".receipt.json") for f in self.below("receipts")) >= len(batch.files()), seconds)
            process.terminate()
        else: process.kill()
        try: return process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Wrong(f"did not stop: {self.last()}")

    def reached(self, at):
        """Whether the last run under the shim came to this call."""
        if not os.path.exists(self.trace): return False
        with open(self.trace) as file: return any(line.startswith(f"{at} ") for line in file)

    def last(self):
        with open(self.err) as file: return file.read().strip()[-600:]

    def all_said(self):
        with open(self.err) as file: return file.read()

    def ask(self, *args, codes=(0,)):
        p = subprocess.run([self.builds.twindrop, *args, "--home", self.path, "--json"], capture_output=True, text=True, timeout=120)
        if p.returncode not in codes:
            raise Wrong(f"twindrop {' '.join(args)} ended with {p.returncode}: {p.stdout.strip()[-300:]} {p.stderr.strip()[-400:]}")
        return [json.loads(line) for line in p.stdout.splitlines() if line.strip()]

    def below(self, *parts):
        """Every file below a folder of the home, relative to it."""
        root = os.path.join(self.path, *parts)
        return sorted(os.path.relpath(os.path.join(r, f), root) for r, _, fs in os.walk(root) for f in fs)


def sha256(data): return hashlib.sha256(data).hexdigest()


def database(bench):
    return sqlite3.connect(f"file:{bench.path}/state/twin.db?mode=ro", uri=True)


MODEL = model.Model()


def check_graph(bench, expected=MODEL):
    """I2: twins and relationships are those of the model, and so is the number of changes that made them."""
    twins, relationships = model.graph_of(bench.ask("twin", "--all"))
    for what, found, right in (("twins", twins, expected.twins()), ("relationships", relationships, expected.relationships())):
        wrong = [key for key in sorted(found.keys() | right.keys(), key=str) if found.get(key) != right.get(key)]
        if wrong: raise Wrong(f"I2: {len(wrong)} {what} of {len(right)} differ: {wrong[0]} is {found.get(wrong[0])}, not {right.get(wrong[0])}")
    with database(bench) as db:
        counts = {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("revision", "drop_commit", "gone", "pending")}
    db.close()
    right = {"revision": expected.revisions, "drop_commit": expected.commits, "gone": 0, "pending": 0}
    if counts != right: raise Wrong(f"I2: changes were counted as {counts}, not {right}")


def archived(bench):
    """What the archive holds, read with foreign tools: drop -> SHA-256 of its bytes, drop -> its header, and every chain record."""
    contents, headers, records = {}, {}, []
    root = os.path.join(bench.path, "archive")
    with open(os.path.join(root, "chain.log")) as file:
        for line in file: records.append(json.loads(line.split(" ", 2)[2]))
    for record in records:
        if record["kind"] != "container": continue
        path = os.path.join(root, record["container"])
        with open(path, "rb") as file:
            if sha256(file.read()) != record["sha256"]: raise Wrong(f"I6: {record['container']} is not what the chain says")
        plain = subprocess.run(["zstd", "-dcq", path], capture_output=True, check=True).stdout
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            for member in tar:
                if ".content." in member.name or member.name.endswith(".content"):
                    contents[member.name.split(".")[0]] = sha256(tar.extractfile(member).read())
                elif member.name.endswith(".drop.json"):
                    headers[member.name.split(".")[0]] = json.load(tar.extractfile(member))
    return contents, headers, records


def check_drops(bench, drops, contents):
    """I1: each fed file in exactly one final state, its bytes readable with the same SHA-256, and a receipt that says so."""
    ids = {d["drop"]: d for d in drops}
    for name, data in batch.files().items():
        source, base = name.split("/")
        mine = [d for d in drops if (d["source"], d["file"]) == (source, base)]
        if len(mine) != 1: raise Wrong(f"I1: {name} has the states {[d['state'] for d in mine]}")
        drop = mine[0]
        if drop["state"] != batch.outcome(name): raise Wrong(f"I1: {name} is {drop['state']}, not {batch.outcome(name)}: {drop.get('reason')}")
        if drop.get("sha256") != sha256(data): raise Wrong(f"I1: {name} has the SHA-256 {drop.get('sha256')}")
        held = os.path.join(bench.path, "state", "spool", "in", drop["drop"])
        if drop["state"] == "held":
            with open(held, "rb") as file: found = sha256(file.read())
        elif drop["state"] == "duplicate": found = ids[drop["link"]["drop"]]["sha256"] if "link" in drop else sha256(data)
        else: found = contents.get(drop["drop"])
        if found != sha256(data): raise Wrong(f"I1: the bytes of {name} are nowhere ({found})")
        check_receipt(bench, name, drop)
    if len(drops) != len(batch.files()): raise Wrong(f"I1: {len(drops)} drops of {len(batch.files())} files")
    check_rejects(bench, ids)


def check_receipt(bench, name, drop):
    """I1: the receipt is whole under both its names, and says of the drop what the model says."""
    source, base = name.split("/")
    texts = []
    for file in (drop["drop"], base):
        path = os.path.join(bench.path, "receipts", source, file + ".receipt.json")
        if not os.path.exists(path): raise Wrong(f"I1: {name} has no receipt {os.path.basename(path)}")
        with open(path, "rb") as opened: texts.append(opened.read())
    if texts[0] != texts[1]: raise Wrong(f"I1: the two receipts of {name} differ: {texts[0][:80]} and {texts[1][:80]}")
    try: said = json.loads(texts[0])
    except ValueError: raise Wrong(f"I1: the receipt of {name} is no JSON, of {len(texts[0])} bytes")
    if said["state"] != drop["state"] and {said["state"], drop["state"]} != {"archived", "done"}: raise Wrong(f"I1: the receipt of {name} says {said['state']}")
    if said["content"] != sha256(batch.files()[name]): raise Wrong(f"I1: the receipt of {name} has the SHA-256 {said['content']}")
    if drop["state"] == "held": return  # Its books say what its release would do.
    right = MODEL.books.get(name)
    for books in (said.get("books"), drop.get("books")):
        if (books is None) != (right is None): raise Wrong(f"books of {name}: {books}, not {right}")
        for part, numbers in (right or {}).items():
            found = {key: books[part].get(key) for key in numbers}
            if found != numbers: raise Wrong(f"books of {name}: {part} {found}, not {numbers}")


def check_applied(bench):
    """I2 where something was lost: the graph is what the drops that were applied make in the order of their commits, their books say so, and
    so does every receipt that is there."""
    with database(bench) as db:
        rows = db.execute("SELECT d.source, d.file_name, d.id FROM drop_commit c JOIN drops d ON d.no = c.drop_no ORDER BY c.sequence")
        applied = {f"{source}/{bytes(name).decode() if isinstance(name, bytes) else name}": drop for source, name, drop in rows}
    db.close()
    expected = model.Applied(applied)
    check_graph(bench, expected)
    drops = {d["drop"]: d for d in bench.ask("drops", "--limit", "1000")}
    for name, drop in applied.items():
        for part, numbers in expected.books[name].items():
            found = {key: drops[drop]["books"][part].get(key) for key in numbers}
            if found != numbers: raise Wrong(f"books of {name}: {part} {found}, not {numbers}")
    for name in bench.below("receipts"):
        if not name.endswith(".receipt.json"): continue
        with open(os.path.join(bench.path, "receipts", name), "rb") as file:
            try: said = json.loads(file.read())
            except ValueError: raise Wrong(f"I1: {name} is no JSON")
        if said["drop"] in applied.values() and said["content"] != drops[said["drop"]]["sha256"]: raise Wrong(f"I1: {name} has another SHA-256")


def unmarked(data, drop, entry):
    """The refused records without the cell that says which record of which drop each is."""
    lines = [line.rsplit(b",", 1) for line in data.splitlines()]
    marks = [mark.decode() for _, mark in lines]
    entry["marked"] = marks[:1] == ["twindrop_reject"] and [
        number for mark in marks[1:] for number in re.findall(f"^TDR-{drop}-([0-9]+)-", mark)]
    return b"".join(line + b"\n" for line, _ in lines)


def check_rejects(bench, ids):
    """I1: the refused records, byte for byte, and which they are; no others."""
    found = {}
    for source in ("assets", "orders", "fleet", "docks"):
        for file in bench.below("receipts", source):
            if ".rejects." not in file: continue
            drop = ids[file.split(".")[0]]
            with open(os.path.join(bench.path, "receipts", source, file), "rb") as opened: data = opened.read()
            entry = found.setdefault(f"{source}/{drop['file']}", {})
            if file.endswith(".reasons.ndjson"): entry["records"] = [json.loads(line)["record"] for line in data.splitlines()]
            else: entry["bytes"] = unmarked(data, drop["drop"], entry)
    right = {name: {"bytes": data, "records": records, "marked": list(map(str, records))} for name, (data, records) in MODEL.rejects.items()}
    if found != right: raise Wrong(f"I1: the rejects are {found}, not {right}")


def check_lineage(bench, headers):
    """I6: the header of each applied drop has the number of its commit, which replay goes by."""
    with database(bench) as db:
        commits = dict(db.execute("SELECT d.id, c.sequence FROM drop_commit c JOIN drops d ON d.no = c.drop_no"))
    db.close()
    found = {drop: header["lineage"]["commit"] for drop, header in headers.items() if "commit" in header.get("lineage", {})}
    if found != commits: raise Wrong(f"I6: the headers have the commits {sorted(found.items())}, not {sorted(commits.items())}")


def check_leftovers(bench, drops):
    """I5: no temporary file, spooled file or staging file of a drop that has ended."""
    held = {d["drop"] for d in drops if d["state"] == "held"}
    quarantined = {d["drop"] for d in drops if d["state"] == "quarantined"}
    left = ["spool/in/" + f for f in bench.below("state", "spool", "in") if f not in held]
    left += ["spool/out/" + f for f in bench.below("state", "spool", "out")]
    left += ["quarantine/" + f for f in bench.below("state", "quarantine") if f.split("/")[-2] not in quarantined]
    left += [f for f in bench.below("archive") + bench.below("receipts") if ".tmp" in f or f.startswith("aside/")]
    left += ["dropzone/" + f for f in bench.below("dropzone") if not f.endswith(".twindrop-owner")]
    if left: raise Wrong(f"I5: left behind: {left[:5]}")


def facts(bench):
    """Everything that a second start must leave as it is."""
    with database(bench) as db:
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        rows = {table: sorted(map(repr, db.execute(f"SELECT * FROM {table}"))) for table in tables}
    db.close()
    files = [part + "/" + f for part in ("archive", "receipts", "state/spool", "state/quarantine") for f in bench.below(part)]
    texts = {}
    for name in files:
        if not name.startswith("receipts/"): continue
        with open(os.path.join(bench.path, name), "rb") as file: texts[name] = sha256(file.read())
    return {"rows": rows, "files": files, "texts": texts}


def check(bench):
    """I1, I2 and I5 to I8 after a run that nothing disturbed."""
    drops = bench.ask("drops", "--limit", "1000")
    contents, headers, records = archived(bench)
    check_lineage(bench, headers)
    check_drops(bench, drops, contents)
    check_graph(bench)
    check_leftovers(bench, drops)
    leaves = sorted(r["id"] for r in records if r["kind"] in ("applied", "duplicate", "quarantined", "discarded"))
    closed = sorted(d["drop"] for d in drops if d["state"] != "held")
    if leaves != closed: raise Wrong(f"I6: {len(leaves)} closing leaves for {len(closed)} closed drops: {sorted(set(leaves) ^ set(closed))}")
    bench.ask("verify", "--full")
    with database(bench) as db:
        sound, foreign = db.execute("PRAGMA integrity_check").fetchone()[0], db.execute("PRAGMA foreign_key_check").fetchall()
    db.close()
    if sound != "ok" or foreign: raise Wrong(f"I7: {sound} {foreign[:2]}")
    before = facts(bench)
    if bench.run() != 0: raise Wrong(f"I8: the next start failed: {bench.last()}")
    after = facts(bench)
    if after != before:
        tables = [t for t in before["rows"] if before["rows"][t] != after["rows"].get(t)]
        raise Wrong(f"I8: a second recovery changed {tables} {sorted(set(before['files']) ^ set(after['files']))[:4]}")
