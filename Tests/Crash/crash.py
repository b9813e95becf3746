#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crash tests of the main path: a batch of twelve files is processed under a preloaded shim (shim.c) that numbers every call which changes
the disk, and kills the program before or after one of them, or makes it fail. Runs that nothing disturbs must then bring about exactly
what one undisturbed run does: the invariants of the failure model.

  crash.py --build .build/release --seconds 60              a random sample, as `make test` takes it
  crash.py --build .build/release --random 200              every call in every mode, and 200 kills at random
  crash.py --build .build/release --at 87 --modes eio       one trial, whose home is kept in --keep
"""
import argparse, concurrent.futures, os, random, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import batch
from bench import Bench, Builds, Wrong, check

# before, after: SIGKILL around the call. eio, enospc, short: the call fails once, or writes half. full: from the call on no space until the
# next run. double: killed after the call, and the recovery is killed as well. random: SIGKILL at any moment.
MODES = ["before", "after", "eio", "enospc", "short", "full", "double"]


def disturb(bench, at, mode, rng):
    """The run that goes wrong."""
    if mode == "random": return killed_late(bench.start(), rng.random() * 0.5)
    if mode == "full": return killed_late(bench.start(at=at, mode="enospc", sticky=True), 1.5)
    if mode == "double":
        bench.run(at=at, mode="after")
        bench.run(at=rng.randrange(1, 80), mode="before")
        return
    code = bench.run(at=at, mode=mode)
    if mode in ("before", "after") and code not in (-9, 0, 1): raise Wrong(f"ended with {code} instead of being killed: {bench.last()}")
    # 75 would be a lock that is not given back, 64 a configuration that is not understood, a signal other than ours a trap.
    if mode not in ("before", "after") and code not in (0, 1, 74): raise Wrong(f"ended with {code}: {bench.last()}")
    if mode == "eio":
        with open(bench.trace) as file: again = [line for line in file if "synced-again" in line and "twin.db" not in line]
        # SQLite syncs its own folder and goes on when that fails; see docs/crash-tests.md, "Known gaps".
        again = [line for line in again if line.split("synced-again ", 1)[1].strip() != os.path.join(bench.path, "state")]
        if again: raise Wrong(f"synced again after a failed sync: {again[0].strip()}")


def killed_late(process, seconds):
    try: process.wait(seconds)
    except subprocess.TimeoutExpired: process.kill()
    process.wait()


def trial(bench, expected, at, mode, seed):
    bench.fresh()
    disturb(bench, at, mode, random.Random(seed))
    code = bench.run()
    # 1: this run set drops aside. 0: an earlier one did.
    if code not in (0, 1): raise Wrong(f"the undisturbed run ended with {code}: {bench.last()}")
    check(bench, expected)


def memory():
    """A folder in memory with room for many homes; None where there is none. A kill loses nothing that was written, in memory or on a
    disk, and a sync that fails here fails because the shim says so: nothing but time is saved."""
    folder = "/dev/shm"
    if not os.access(folder, os.W_OK): return None
    facts = os.statvfs(folder)
    return folder if facts.f_bavail * facts.f_frsize > 1 << 30 else None


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", required=True, help="the folder with the built programs")
    a.add_argument("--work", help="where homes are made; in memory where that is possible, else in a temporary folder")
    a.add_argument("--modes", default=",".join(MODES))
    a.add_argument("--stride", type=int, default=1, help="every so many calls")
    a.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: when all is done")
    a.add_argument("--random", type=int, default=0, help="so many kills at random moments as well")
    a.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="trials side by side")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--at", type=int, default=0, help="only this call")
    a.add_argument("--keep", help="a folder that gets the homes of failed trials")
    o = a.parse_args()
    seed = o.seed or int(time.time())
    rng = random.Random(seed)
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="td-crash-", dir=o.work or memory()) as work:
        builds = Builds(o.build, work)
        first = Bench(builds, os.path.join(work, "reference"))
        first.fresh()
        count = os.path.join(work, "count")
        code = first.run(count=count)
        if code != 1: sys.exit(f"the reference run ended with {code}: {first.last()}")
        try: expected = check(first, None)
        except Wrong as e: sys.exit(f"the reference run is wrong: {e}")
        with open(count) as file: calls = int(file.read())
        print(f"seed {seed}; {calls} durable calls in an undisturbed run of {len(batch.files())} files", flush=True)
        todo = [(at, m) for m in o.modes.split(",") for at in ([o.at] if o.at else range(1 + rng.randrange(o.stride), calls + 1, o.stride))]
        todo += [(0, "random")] * o.random
        if o.seconds: rng.shuffle(todo)
        failed = sweep(builds, work, expected, todo, o, seed, began)
    sys.exit(1 if failed else 0)


def sweep(builds, work, expected, todo, o, seed, began):
    """Runs the trials, `jobs` at a time; the failed ones."""
    local, passed, failed = threading.local(), {}, []

    def one(index):
        at, mode = todo[index]
        if o.seconds and time.time() - began > o.seconds: return
        if not hasattr(local, "bench"): local.bench = Bench(builds, os.path.join(work, f"lane-{threading.get_ident()}"))
        try:
            trial(local.bench, expected, at, mode, f"{seed}.{index}")
            passed[mode] = passed.get(mode, 0) + 1
        except Exception as e:  # Whatever it is, it is this trial's failure.
            failed.append((at, mode))
            print(f"call {at}, {mode}: {str(e)[:700] if isinstance(e, Wrong) else repr(e)}", flush=True)
            if o.keep:
                kept = os.path.join(o.keep, f"{mode}-{at}-{index}")
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(local.bench.work, kept, symlinks=True)

    # A run on a full disk does nothing most of the time: those go beside the others.
    parts = [[index for index in range(len(todo)) if (todo[index][1] == "full") == is_full] for is_full in (False, True)]
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as busy, concurrent.futures.ThreadPoolExecutor(o.jobs) as idle:
        for future in [pool.submit(one, index) for pool, part in ((busy, parts[0]), (idle, parts[1])) for index in part]: future.result()
    counts = ", ".join(f"{mode} {count}" for mode, count in passed.items())
    print(f"crash: {sum(passed.values())} passed ({counts}), {len(failed)} failed, {time.time() - began:.0f} s", flush=True)
    return failed


if __name__ == "__main__":
    main()
