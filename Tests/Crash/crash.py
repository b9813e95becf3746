#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crash tests of the main path: a batch of twelve files is processed under a preloaded shim (shim.c) that numbers every call which changes
the disk, and kills the program before or after one of them, or makes it fail. Runs that nothing disturbs must then bring about exactly
what the model (model.py) says they must: docs/failure-model.md, "Invariants".

  crash.py --build .build/release --seconds 60              a random sample, as `make test` takes it
  crash.py --build .build/release                           every call in every mode, and 200 kills at random
  crash.py --build .build/release --at 87 --modes eio       one trial, whose home is kept in --keep
"""
import argparse, concurrent.futures, os, random, resource, shutil, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import batch
import losing, power, restoring
from bench import Bench, Builds, Wrong, check

# before, after: SIGKILL around the call. eio, enospc, short: the call fails once, or writes half. full: from the call on no space until the
# next run. double: killed after the call, and the recovery is killed as well. random: SIGKILL at any moment. cut: the power goes just before
# or after the call, on ext4 or XFS. restore: the same, and SIGKILL, while a backup is restored. loss: killed, and then something is gone.
MODES = ["before", "after", "eio", "enospc", "short", "full", "double", "random", "cut", "restore", "loss"]


def disturb(bench, at, mode, is_alone, rng):
    """The run that goes wrong; whether anything befell it. (Threads take turns, so a run may end with fewer calls than the first.)"""
    if mode == "random": return killed_at_random(bench, rng)
    run = bench.run_daemon if is_alone else bench.run
    if mode == "full" and is_alone:
        run(1.5, at=at, mode="enospc", sticky=True)
        return bench.reached(at)
    if mode == "full":
        process = bench.start(at=at, mode="enospc", sticky=True)
        deadline = time.monotonic() + 60  # On a busy machine the call may be far off.
        while process.poll() is None and not bench.reached(at) and time.monotonic() < deadline: time.sleep(0.1)
        killed_late(process, 1.5)
        return bench.reached(at)
    if mode == "double":
        run(at=at, mode="after")
        return bench.run(at=rng.randrange(1, 80), mode="before") == -9
    code = run(at=at, mode=mode)
    if mode in ("before", "after") and code not in (-9, 0, 1): raise Wrong(f"ended with {code} instead of being killed: {bench.last()}")
    # 75 would be a lock that is not given back, 64 a configuration that is not understood, a signal other than ours a trap. A daemon that
    # takes up a folder or a file again after half a minute only is killed before.
    if mode not in ("before", "after") and code not in (0, 1, 74) + (-9,) * is_alone: raise Wrong(f"ended with {code}: {bench.last()}")
    if mode == "eio":
        with open(bench.trace) as file: again = [line for line in file if "synced-again" in line and "twin.db" not in line]
        # SQLite syncs its own folder and goes on when that fails; see docs/crash-tests.md, "Known gaps".
        again = [line for line in again if line.split("synced-again ", 1)[1].strip() != os.path.join(bench.path, "state")]
        if again: raise Wrong(f"synced again after a failed sync: {again[0].strip()}")
    return code == -9 if mode in ("before", "after") else bench.reached(at)


def killed_late(process, seconds):
    """Whether it had to be killed."""
    try: process.wait(seconds)
    except subprocess.TimeoutExpired: process.kill()
    return process.wait() == -9


def killed_at_random(bench, rng):
    """A kill at any moment of a whole run. A run that was quicker than the kill is made again, from the same batch."""
    began = time.monotonic()
    bench.run()
    whole = time.monotonic() - began
    for _ in range(20):
        bench.fresh()
        if killed_late(bench.start(), rng.random() * whole): return True
    return False


def trial(bench, at, mode, is_alone, seed):
    rng = random.Random(seed)
    if mode == "restore": return trial_of_restore(bench, at, rng)
    if mode == "loss": return losing.trial(bench, at, rng)
    bench.fresh(is_fed=not is_alone)
    if mode == "cut": struck = (power.cut_alone if is_alone else power.cut_together)(bench, at, rng.choice(["cut-before", "cut-after"]))
    else: struck = disturb(bench, at, mode, is_alone, rng)
    code = bench.run()
    # 1: this run set drops aside. 0: an earlier one did.
    if code not in (0, 1): raise Wrong(f"the undisturbed run ended with {code}: {bench.last()}")
    check(bench)
    return struck


def trial_of_restore(bench, at, rng):
    restoring.begin(bench, bench.template)
    how = rng.choice(["before", "after"])
    if hasattr(bench, "disk"): how = "cut-" + how
    code = restoring.restore(bench, at=at, mode=how)
    if code not in (0, -9) + (74,) * hasattr(bench, "disk"): raise Wrong(f"restore ended with {code}: {bench.last()}")
    struck = power.after_cut(bench) if hasattr(bench, "disk") else code == -9
    restoring.check(bench)
    return struck


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
    a.add_argument("--modes", default="all", help=f"some of {','.join(MODES)}; all")
    a.add_argument("--feeding", default="together,alone", help="together: the whole batch lies there; alone: a daemon gets one file after another")
    a.add_argument("--stride", type=int, default=1, help="every so many calls")
    a.add_argument("--seconds", type=float, default=0, help="stop after so long; 0: when all is done")
    a.add_argument("--random", type=int, default=200, help="so many kills at random moments in the mode random")
    a.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="trials side by side")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--at", type=int, default=0, help="only this call")
    a.add_argument("--keep", help="a folder that gets the homes of failed trials")
    o = a.parse_args()
    o.modes = MODES if o.modes == "all" else o.modes.split(",")
    if unknown := [mode for mode in o.modes if mode not in MODES]: a.error(f"there is no mode {unknown[0]}; there are {', '.join(MODES)}")
    power.hide_mounts()
    seed = o.seed or int(time.time())
    rng = random.Random(seed)
    began = time.time()
    # The kills at any moment are made where files lie: so on a disk, not in memory.
    with tempfile.TemporaryDirectory(prefix="td-crash-", dir=o.work or memory()) as work, tempfile.TemporaryDirectory(
            prefix="td-crash-", dir=o.work) as disk:
        builds = Builds(o.build, work)
        first = Bench(builds, os.path.join(work, "reference"))
        first.fresh()
        count = os.path.join(work, "count")

        def counted(what, right, run):
            """The calls of an undisturbed run."""
            try:
                code = run()
                if code != right: raise Wrong(f"ended with {code}: {first.last()}")
                if what != "restore": check(first)
            except Wrong as e: sys.exit(f"the reference run ({what}) is wrong: {e}")
            with open(count) as file: return int(file.read())

        calls = {"together": counted("together", 1, lambda: first.run(count=count))}
        first.fresh(is_fed=False)
        calls["alone"] = counted("alone", 0, lambda: first.run_daemon(count=count))
        if "restore" in o.modes:
            template = restoring.prepare(first)
            calls["restore"] = counted("restore", 0, lambda: restoring.restore(first, count=count))
        print(f"seed {seed}; durable calls in undisturbed runs of {len(batch.files())} files: {calls}", flush=True)
        kinds = possible_kinds(work) if {"cut", "restore"} & set(o.modes) else []
        todo = []
        for mode in o.modes:
            if mode == "random": todo += [(0, mode, False, None)] * o.random
            if mode == "cut" and not kinds: continue
            feedings = {"random": [], "restore": ["restore"], "loss": ["together"]}.get(mode, [feeding for feeding in ("together", "alone") if feeding in o.feeding.split(",")])
            for feeding in feedings:
                chosen = [o.at] if o.at else range(1 + rng.randrange(o.stride), calls[feeding] + 1, o.stride)
                # A cut costs a mount: each call has it on one of the file systems.
                disks = {"cut": kinds, "restore": [None] + kinds}.get(mode, [None])
                todo += [(at, mode, feeding == "alone", disks[(at + rng.randrange(len(disks))) % len(disks)]) for at in chosen]
        if o.seconds: rng.shuffle(todo)
        o.template = template if "restore" in o.modes else None
        counts = sweep(builds, work, disk, todo, o, seed, began)
    summarize(counts, sum(calls.values()), time.time() - began)
    sys.exit(1 if any(count.failed for count in counts.values()) else 0)


def possible_kinds(work):
    """The file systems on which power can be cut here; what is missing is said."""
    found = []
    for kind in power.KINDS:
        try:
            power.Disk(os.path.join(work, "try"), kind).close()
            found.append(kind)
        except power.Impossible as e: print(f"SKIPPED: power cuts on {kind}: {e}", flush=True)
    return found


class Count:
    """What came of the trials of one mode."""

    def __init__(self): self.passed, self.struck, self.failed = 0, 0, 0


def summarize(counts, calls, seconds):
    """The table of docs/crash-tests.md."""
    used = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print("\n| mode | trials | of these struck | failed |\n| --- | --- | --- | --- |")
    for mode, count in counts.items(): print(f"| `{mode}` | {count.passed + count.failed} | {count.struck} | {count.failed} |")
    passed, failed = sum(c.passed for c in counts.values()), sum(c.failed for c in counts.values())
    print(f"\ncrash: {passed} passed, {failed} failed; {calls} calls; {seconds:.0f} s, {used:.0f} s of processor time", flush=True)


def sweep(builds, work, disk, todo, o, seed, began):
    """Runs the trials, `jobs` at a time; mode -> Count."""
    local, lock, counts, all_benches = threading.local(), threading.Lock(), {mode: Count() for mode in o.modes}, []

    def bench_of(mode, kind):
        """This thread's bench of that sort."""
        if not hasattr(local, "benches"): local.benches = {}
        key = kind or ("disk" if mode == "random" else "memory")
        if key not in local.benches:
            place = os.path.join(disk if key == "disk" else work, f"lane-{threading.get_ident()}-{key}")
            bench = power.PowerBench(builds, place, kind) if kind else Bench(builds, place)
            bench.template = o.template
            local.benches[key] = bench
            with lock: all_benches.append(bench)
        return local.benches[key]

    def one(index):
        at, mode, is_alone, kind = todo[index]
        if o.seconds and time.time() - began > o.seconds: return
        bench, count = bench_of(mode, kind), counts[mode]
        try:
            struck = trial(bench, at, mode, is_alone, f"{seed}.{index}")
            with lock:
                count.passed += 1
                count.struck += struck
        except Exception as e:  # Whatever it is, it is this trial's failure.
            with lock: count.failed += 1
            print(f"call {at}, {mode}{', alone' if is_alone else ''}{', ' + kind if kind else ''}: {str(e)[:700] if isinstance(e, Wrong) else repr(e)}", flush=True)
            if o.keep:
                kept = os.path.join(o.keep, f"{mode}-{at}-{index}")
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(bench.work, kept, symlinks=True, ignore=shutil.ignore_patterns("*.img"))

    # A run on a full disk does nothing most of the time: those go beside the others.
    parts = [[index for index in range(len(todo)) if (todo[index][1] == "full") == is_full] for is_full in (False, True)]
    with concurrent.futures.ThreadPoolExecutor(o.jobs) as busy, concurrent.futures.ThreadPoolExecutor(o.jobs) as idle:
        for future in [pool.submit(one, index) for pool, part in ((busy, parts[0]), (idle, parts[1])) for index in part]: future.result()
    for bench in all_benches:
        if hasattr(bench, "close"): bench.close()
    return counts


if __name__ == "__main__":
    main()
