#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crash tests of the main path: a 12-file batch is processed under a preloaded shim (shim.c) that numbers every call which changes the
disk, and kills the daemon before or after one of them, or makes it fail. A second, undisturbed run must then bring about exactly
what an undisturbed run of the whole batch does: invariants I1 to I8 of the failure model.

  crash.py --build .build/release --stride 40 --seconds 60      a sample, as `make test` runs it
  crash.py --build .build/release --random 200 --double         everything, as `make test-crash` runs it
"""
import argparse, hashlib, json, os, random, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import batch

MODES = ["before", "after", "eio", "enospc", "short"]
FINAL = {"clean", "quarantined", "duplicate", "discarded", "held"}


class Bench:
    """One built TwinDrop, and folders to run it in."""

    def __init__(self, build, work):
        self.twindrop = os.path.abspath(os.path.join(build, "twindrop"))
        self.work = work
        self.shim = os.path.join(work, "shim.so")
        here = os.path.dirname(os.path.abspath(__file__))
        subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-o", self.shim, os.path.join(here, "shim.c"), "-ldl"], check=True)
        self.template = os.path.join(work, "template")
        batch.make_home(self.template)

    def home(self, name):
        path = os.path.join(self.work, name)
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.template, path, symlinks=True)
        batch.feed(path)
        return path

    def run(self, home, at=0, mode=None, sticky=False, count=None, seconds=60):
        """`twindrop run --once`; the exit code, negative for a signal."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("CRASH_")}
        if mode or count:
            env.update(LD_PRELOAD=self.shim, CRASH_ROOT=home, CRASH_AT=str(at), CRASH_MODE=mode or "none")
            if count: env["CRASH_COUNT"] = count
            if sticky: env["CRASH_STICKY"] = "1"
        with open(os.path.join(self.work, "last.err"), "w") as err:
            p = subprocess.Popen([self.twindrop, "run", "--once", "--home", home], env=env, stdout=subprocess.DEVNULL, stderr=err)
            try: return p.wait(seconds)
            except subprocess.TimeoutExpired:
                p.kill(); p.wait()
                return 99

    def ask(self, home, *args, codes=(0,)):
        p = subprocess.run([self.twindrop, *args, "--home", home, "--json"], capture_output=True, text=True, timeout=120)
        if p.returncode not in codes: raise Wrong(f"twindrop {' '.join(args)} ended with {p.returncode}: {p.stderr.strip()[-400:]}")
        return [json.loads(line) for line in p.stdout.splitlines() if line.strip()]

    def cat(self, home, drop):
        return subprocess.run([self.twindrop, "archive", "cat", drop, "--home", home], capture_output=True, timeout=60).stdout


class Wrong(Exception):
    """An invariant that does not hold."""


def graph(bench, home):
    """Every twin and relationship, without what may differ between runs (times, tags)."""
    out = []
    for twin in bench.ask(home, "twin", "--all"):
        twin.pop("$etag", None)
        twin["$metadata"] = {"$model": twin.get("$metadata", {}).get("$model")}
        for relationship in twin.get("$relationships", []): relationship.pop("$etag", None)
        out.append(json.dumps(twin, sort_keys=True))
    return sorted(out)


def facts(bench, home):
    """What a run came to: the final state of each fed file, and the graph."""
    drops = bench.ask(home, "drops", "--limit", "1000")
    return {"drops": sorted((d["file"], d["state"], d.get("sha256", "")) for d in drops), "graph": graph(bench, home)}


def check(bench, home, expected):
    """I1 to I8, against the facts of an undisturbed run."""
    drops = bench.ask(home, "drops", "--limit", "1000")
    for d in drops:
        if d["state"] not in FINAL: raise Wrong(f"I1: {d['file']} is {d['state']}")
    found = facts(bench, home)
    # I1: one final state for each fed file. A file that a crash lets be delivered twice may leave a duplicate behind.
    extra = [d for d in drops if d["state"] == "duplicate"]
    fed = {name: hashlib.sha256(data).hexdigest() for name, data in batch.files().items()}
    for name, digest in fed.items():
        states = [d for d in drops if d["file"] == os.path.basename(name)]
        if not states: raise Wrong(f"I1: {name} is lost")
        settled = [d for d in states if d["state"] != "duplicate" or batch.is_duplicate(name)]
        if len(settled) != 1: raise Wrong(f"I1: {name} has the states {[d['state'] for d in states]}")
        if settled[0].get("sha256") != digest: raise Wrong(f"I1: {name} has other bytes: {settled[0].get('sha256')}")
        if settled[0]["state"] in ("clean", "quarantined"):
            if hashlib.sha256(bench.cat(home, settled[0]["drop"])).hexdigest() != digest: raise Wrong(f"I1: {name} cannot be read back")
    wanted = {(f, s) for f, s, _ in expected["drops"]}
    have = {(f, s) for f, s, _ in found["drops"]}
    if not wanted <= have: raise Wrong(f"I1: missing {sorted(wanted - have)}, found {sorted(have - wanted)}")
    # I2: the graph of a serial run.
    if found["graph"] != expected["graph"]:
        a, b = set(expected["graph"]), set(found["graph"])
        raise Wrong(f"I2: graph differs: missing {sorted(a - b)[:2]}, extra {sorted(b - a)[:2]}")
    # I5: nothing left behind.
    state = os.path.join(home, "state")
    held = {d["drop"] for d in drops if d["state"] == "held"}
    left = [f for f in os.listdir(os.path.join(state, "spool", "in")) if f not in held] + os.listdir(os.path.join(state, "spool", "out"))
    left += [os.path.join(r, f) for r, _, fs in os.walk(os.path.join(home, "archive")) for f in fs if ".tmp" in f]
    left += [os.path.join(r, f) for r, _, fs in os.walk(os.path.join(home, "dropzone")) for f in fs if f != ".twindrop-owner"]
    if left: raise Wrong(f"I5: left behind: {left[:5]}")
    # I6: chain, tree, seals, index; one closing leaf per drop.
    bench.ask(home, "verify", "--full")
    leaves = [e["drop"] for e in bench.ask(home, "archive", "list")]
    closed = sorted(d["drop"] for d in drops if d["state"] != "held")
    if sorted(leaves) != closed: raise Wrong(f"I6: leaves {len(leaves)} for {len(closed)} closed drops")
    # I7: the database is sound.
    bench.ask(home, "doctor")
    # I8: another recovery changes nothing.
    if bench.run(home) not in (0, 1): raise Wrong("I8: the next start failed")
    if facts(bench, home) != found: raise Wrong("I8: a second recovery changed something")


def trial(bench, expected, at, mode, rng, double):
    home = bench.home("home")
    code = bench.run(home, at, mode, sticky=False)
    if mode in ("before", "after") and code not in (-9, 0, 1): raise Wrong(f"ended with {code} instead of being killed")
    if code == 99: raise Wrong("hung")
    if double:
        bench.run(home, rng.randrange(1, 60), "before")
    for _ in range(3):  # A run that meets an error may stop (74); its supervisor starts it again.
        code = bench.run(home)
        if code in (0, 1): break
    if code not in (0, 1): raise Wrong(f"the undisturbed run ended with {code}: {open(os.path.join(bench.work, 'last.err')).read()[-400:]}")
    check(bench, home, expected)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", required=True)
    a.add_argument("--modes", default=",".join(MODES))
    a.add_argument("--stride", type=int, default=1)
    a.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: never")
    a.add_argument("--random", type=int, default=0, help="so many kills at random times as well")
    a.add_argument("--double", action="store_true", help="a second crash during each recovery as well")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--at", type=int, default=0, help="only this call")
    o = a.parse_args()
    seed = o.seed or int(time.time())
    rng = random.Random(seed)
    began, passed, failed = time.time(), 0, []
    with tempfile.TemporaryDirectory(prefix="td-crash-") as work:
        bench = Bench(o.build, work)
        home = bench.home("reference")
        count = os.path.join(work, "count")
        code = bench.run(home, count=count)
        if code not in (0, 1): sys.exit(f"the reference run ended with {code}: {open(os.path.join(work, 'last.err')).read()[-2000:]}")
        expected, calls = facts(bench, home), int(open(count).read())
        try: check(bench, home, expected)
        except Wrong as e: sys.exit(f"the reference run is wrong: {e}")
        print(f"seed {seed}; {calls} durable calls in an undisturbed run of {len(batch.files())} files", flush=True)
        first = 1 + rng.randrange(o.stride)
        todo = [(at, mode) for at in ([o.at] if o.at else range(first, calls + 1, o.stride)) for mode in o.modes.split(",")]
        if o.seconds: rng.shuffle(todo)
        todo += [(0, "random")] * o.random
        for at, mode in todo:
            if o.seconds and time.time() - began > o.seconds: break
            try:
                if mode == "random": random_kill(bench, expected, rng, calls)
                else: trial(bench, expected, at, mode, rng, o.double)
                passed += 1
            except Wrong as e:
                failed.append((at, mode))
                print(f"call {at}, {mode}: {e}", flush=True)
    print(f"crash: {passed} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


def random_kill(bench, expected, rng, calls):
    """SIGKILL from outside at a random moment."""
    home = bench.home("home")
    p = subprocess.Popen([bench.twindrop, "run", "--once", "--home", home], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(rng.random() * 0.4)
    p.kill(); p.wait()
    if bench.run(home) not in (0, 1): raise Wrong("the undisturbed run failed after a random kill")
    check(bench, home, expected)


if __name__ == "__main__":
    main()
