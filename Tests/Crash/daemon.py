#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crash tests of a running daemon: what goes wrong around it while it works.

  daemon.py --build .build/release helpers      workers and watcher are killed again and again: every file is applied, once (I1, I2)
  daemon.py --build .build/release leaks        two hundred drops later it has no more descriptors, threads and children than before (I9)
  daemon.py --build .build/release full-disk    a small file system fills up and is freed: the daemon goes on by itself (needs root)
  daemon.py --build .build/release writers      slow writers by three rules: no file is taken before it is whole
  daemon.py --build .build/release watches      fewer watches, or no inotify at all, than folders: they are polled, with an alarm
  daemon.py --build .build/release strangers    a daemon without rights of its own takes what other users deliver (needs root)
  daemon.py --build .build/release burst        files while the kernel's event queue overflows: none is missed

`--count` is the number of files. Ends with 0 when all is right, 1 when an invariant does not hold, 77 when the machine cannot do the test.
"""
import argparse, hashlib, json, os, random, re, signal, sqlite3, subprocess, sys, tempfile, threading, time

HEADER = "forklift_id,battery_pct,order_id,priority,from_bin,to_bin,quantity,assigned_at\n"
FINAL = {"done", "quarantined", "duplicate", "discarded", "held"}


class Wrong(Exception):
    """An invariant that does not hold."""


class Impossible(Exception):
    """The machine cannot do this test."""


def row(forklift, n):
    return f"{forklift},{50 + n % 50},{n},{n % 3 + 1},A-01,B-02,{n % 9},2026-11-21T08:00:00Z\n"


def children(pid):
    """Child processes: name -> ids."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit(): continue
        try:
            with open(f"/proc/{entry}/stat") as file: text = file.read()
        except OSError: continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()
        if int(rest[1]) == pid and rest[0] != "Z": found.setdefault(name, []).append(int(entry))
    return found


class Home:
    """A home whose sources all read forklift orders."""

    def __init__(self, build, work, sources, extra="", name="home", log=None, before=()):
        """`before`: a command that starts the daemon."""
        self.before = list(before)
        self.twindrop = os.path.abspath(os.path.join(build, "twindrop"))
        self.path = os.path.join(work, name)
        self.log = os.path.join(log or work, name + ".err")
        lines = ["log: {level: warning}", extra, "sources:"]
        for source, settings in sources.items(): lines += [f"  {source}:", "    plugin: wms-orders"] + [f"    {s}" for s in settings]
        for source in sources: os.makedirs(os.path.join(self.path, "dropzone", source), exist_ok=True)
        with open(os.path.join(self.path, "twindrop.yaml"), "w") as file: file.write("\n".join(lines) + "\n")
        self.daemon = None

    def __enter__(self):
        self.err = open(self.log, "w")
        self.daemon = subprocess.Popen([*self.before, self.twindrop, "run", "--home", self.path], stdout=subprocess.PIPE, stderr=self.err, text=True)
        if self.daemon.stdout.readline() != "ready\n": raise Wrong(f"the daemon did not get ready: {self.last()}")
        return self

    def __exit__(self, kind, *_):
        if self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            try: code = self.daemon.wait(40)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()
                if kind is None: raise Wrong(f"the daemon did not stop: {self.last()}")
                return
            if kind is None and code != 0: raise Wrong(f"the daemon ended with {code}: {self.last()}")

    def last(self, size=600):
        with open(self.log) as file: return file.read()[-size:]

    def folder(self, source): return os.path.join(self.path, "dropzone", source)

    def rename_in(self, source, name, text):
        part = os.path.join(self.folder(source), name + ".part")
        with open(part, "w") as file: file.write(text)
        os.rename(part, os.path.join(self.folder(source), name))

    def rows(self, sql):
        db = sqlite3.connect(f"file:{self.path}/state/twin.db?mode=ro", uri=True, timeout=20)
        try: return db.execute(sql).fetchall()
        finally: db.close()

    def wait_for(self, count, seconds):
        """Waits until `count` drops have come to their end."""
        deadline = time.monotonic() + seconds
        while True:
            if self.daemon.poll() is not None: raise Wrong(f"the daemon ended with {self.daemon.returncode}: {self.last()}")
            states = dict(self.rows("SELECT state, count(*) FROM drops GROUP BY state"))
            if sum(states.values()) >= count and set(states) <= FINAL: return states
            if time.monotonic() > deadline: raise Wrong(f"after {seconds} s of {count} drops: {states}; {self.last()}")
            time.sleep(0.02)

    def check_all(self, expected):
        """Each file applied exactly once, with all of its bytes; nothing left in the drop zone or the spool."""
        drops = self.rows("SELECT source, CAST(file_name AS TEXT), lower(hex(digest)), state FROM drops")
        found = {}
        for source, name, digest, state in drops: found.setdefault((source, name), []).append((digest, state))
        for key, text in expected.items():
            want = [(hashlib.sha256(text.encode()).hexdigest(), "done")]
            if found.get(key) != want: raise Wrong(f"{key} came to {found.get(key)}, not {want}")
        if len(found) != len(expected): raise Wrong(f"{len(found)} files were taken, {len(expected)} delivered")
        left = [f for r, _, fs in os.walk(os.path.join(self.path, "dropzone")) for f in fs if f != ".twindrop-owner"]
        left += os.listdir(os.path.join(self.path, "state", "spool", "in"))
        if left: raise Wrong(f"left behind: {left[:5]}")

    def verify(self):
        p = subprocess.run([self.twindrop, "verify", "--full", "--home", self.path], capture_output=True, text=True)
        if p.returncode != 0: raise Wrong(f"verify: {p.stdout[-300:]} {p.stderr[-300:]}")


def helpers(o, work):
    sources = {f"s{i}": ["ready: {rule: rename}"] for i in range(3)}
    rng, killed = random.Random(o.seed), {"twindrop-worker": 0, "twindrop-watch": 0}
    with Home(o.build, work, sources) as home:
        expected = {}

        def kill_some():
            while len(expected) < o.count:
                time.sleep(0.25 + rng.random() * 0.2)
                mine = children(home.daemon.pid)
                name = rng.choice(sorted(killed))
                # The kernel cuts names at 15 bytes.
                for pid in mine.get(name[:15], [])[:1]:
                    try: os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError: continue
                    killed[name] += 1

        killer = threading.Thread(target=kill_some)
        killer.start()
        for n in range(o.count):
            source, name = f"s{n % 3}", f"f-{n:05}.csv"
            text = HEADER + "".join(row(f"{source}-{n}-{i}", n * 50 + i) for i in range(40))
            home.rename_in(source, name, text)
            expected[source, name] = text
            time.sleep(0.005)
        killer.join()
        home.wait_for(o.count, 120)
        home.check_all(expected)
        twins = home.rows("SELECT count(*) FROM twin WHERE id LIKE 'forklift-s%'")[0][0]
        if twins != o.count * 40: raise Wrong(f"I2: {twins} twins of {o.count * 40}")
        mine, pid, deadline = children(home.daemon.pid), home.daemon.pid, time.monotonic() + 60
        # The watcher may have been killed a moment ago: it comes back after a pause.
        while len(mine.get("twindrop-watch", [])) != 1 or len(mine.get("twindrop-worker", [])) > 3:
            if time.monotonic() > deadline: raise Wrong(f"I9: children {mine}")
            time.sleep(0.05)
            mine = children(pid)
    if children(pid) or any(os.path.exists(f"/proc/{p}") for ps in mine.values() for p in ps): raise Wrong("I9: processes are left")
    home.verify()
    return f"{killed['twindrop-worker']} workers and {killed['twindrop-watch']} watchers killed under {o.count} drops"


def leaks(o, work):
    with Home(o.build, work, {"s": ["ready: {rule: rename}"]}) as home:
        proc = f"/proc/{home.daemon.pid}"

        def deliver(first, count):
            for n in range(first, first + count):
                home.rename_in("s", f"f-{n}.csv", HEADER + row(f"F{n % 20}", n))
                home.wait_for(n + 1, 30)

        def counts():
            with open(proc + "/status") as file: memory = [int(line.split()[1]) for line in file if line.startswith("VmRSS")][0]
            return len(os.listdir(proc + "/fd")), len(os.listdir(proc + "/task")), len(sum(children(home.daemon.pid).values(), [])), memory

        deliver(0, 50)
        before = counts()
        deliver(50, o.count)
        after = counts()
        for what, a, b, spare in zip(("descriptors", "threads", "children", "KiB of memory"), before, after, (2, 2, 0, 32 << 10)):
            if b > a + spare: raise Wrong(f"I9: {b} {what} after {o.count} drops, {a} before")
    return f"after {o.count} drops: {after[0]} descriptors ({before[0]} before), {after[1]} threads ({before[1]}), {after[3]} KiB ({before[3]})"


def full_disk(o, work):
    if os.geteuid() != 0: raise Impossible("a file system of its own needs root")
    said = []
    for name, extra in {
        "marks": "",  # The daemon stops taking files before the disk is full.
        "no-marks": "limits: {free-space: {soft-share: 0%, hard-share: 0%}}",  # Every kind of write meets ENOSPC.
    }.items():
        disk = os.path.join(work, name)
        os.makedirs(disk)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], stderr=subprocess.DEVNULL).returncode:
            raise Impossible("tmpfs cannot be mounted here")
        try: said.append(fill(o, disk, name, extra))
        finally: subprocess.run(["umount", "-l", disk])
    return "; ".join(said)


def fill(o, disk, name, extra):
    """Three times: files are written, the disk is filled to its last byte, they are renamed in, and the disk is freed after a while."""
    expected, rng = {}, random.Random(o.seed)
    with Home(o.build, disk, {"s": ["ready: {rule: rename}", "order: name"]}, extra, log=os.path.dirname(disk)) as home:
        for first in range(0, o.count, o.count // 3):
            names = [f"f-{n:04}.csv" for n in range(first, first + o.count // 3)]
            for n, file_name in enumerate(names, first):
                text = HEADER + "".join(row(f"F{n}-{i}", n * 100 + i) for i in range(60))
                with open(os.path.join(home.folder("s"), file_name + ".part"), "w") as file: file.write(text)
                expected["s", file_name] = text
            ballast = Ballast(os.path.join(disk, "ballast"), delay=rng.random() * 0.1)
            if not first: ballast.full.wait(10)  # At least once the daemon starts with no room at all.
            for file_name in names: os.rename(os.path.join(home.folder("s"), file_name + ".part"), os.path.join(home.folder("s"), file_name))
            ballast.stop(after=2)
            home.wait_for(len(expected), 60)
        if name == "no-marks" and "disk-full" not in home.last(1 << 20) and "is full" not in home.last(1 << 20):
            raise Wrong(f"the disk was never full for the daemon: {home.last()}")
        home.check_all(expected)
        order = [r[0] for r in home.rows("SELECT CAST(file_name AS TEXT) FROM drop_commit JOIN drops ON no = drop_no ORDER BY sequence")]
        if order != sorted(order): raise Wrong(f"I2: the drops were not applied in the order of their names: {order}")
    home.verify()
    return f"{name}: filled 3 times, {len(expected)} drops"


class Ballast:
    """A file that takes all the space there is, and what becomes free, until it is stopped."""

    def __init__(self, path, delay):
        self.path, self.ended, self.full = path, threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.grow, args=(delay,))
        self.thread.start()

    def grow(self, delay):
        self.ended.wait(delay)
        with open(self.path, "wb", 0) as file:
            while not self.ended.is_set():
                for size in (1 << 20, 1 << 16, 1 << 12, 1):
                    try:
                        while not self.ended.is_set() and file.write(bytes(size)) == size: pass
                    except OSError:
                        self.full.set()
                        continue
                self.ended.wait(0.001)

    def stop(self, after):
        time.sleep(after)
        self.ended.set()
        self.thread.join()
        os.unlink(self.path)


def writers(o, work):
    sources = {
        "close": ["ready: {rule: close, settle: 500ms}"], "rename": ["ready: {rule: rename}"], "stable": ["ready: {rule: stable, settle: 500ms}"]}
    expected, lock = {}, threading.Lock()
    with Home(o.build, work, sources) as home:
        def write(n):
            rng, source = random.Random(f"{o.seed}.{n}"), sorted(sources)[n % 3]
            name = f"f-{n:04}.csv"
            lines = [HEADER] + [row(f"{source}-{n}-{i}", n * 1000 + i) for i in range(300)]
            with lock: expected[source, name] = "".join(lines)
            path = os.path.join(home.folder(source), name + (".part" if source == "rename" else ""))
            # A stable file may be closed and opened again, as long as it is not left alone for the settle time.
            reopens = source == "stable" and n % 2
            file = open(path, "w", buffering=1 << 20)
            while lines:
                part, lines = lines[:(size := rng.randrange(1, 40))], lines[size:]
                text = "".join(part)
                half = rng.randrange(len(text))  # Not at a line's end: what is cut short shows.
                for piece in (text[:half], text[half:]):
                    file.write(piece)
                    file.flush()
                    time.sleep(rng.random() * (0.03 if reopens else 0.12))
                if reopens:
                    file.close()
                    file = open(path, "a", buffering=1 << 20)
            file.close()
            if source == "rename": os.rename(path, path[:-5])

        threads = [threading.Thread(target=write, args=(n,)) for n in range(o.count)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        home.wait_for(o.count, 120)
        home.check_all(expected)
    return f"{o.count} slow writers by three rules, none taken short"


def watch_modes(home):
    """How each source learns of files, as `status` says."""
    told = subprocess.run([home.twindrop, "status", "--home", home.path, "--json"], capture_output=True, text=True).stdout
    return [source.get("watch", "") for source in json.loads(told)["sources"]]


def watches(o, work):
    """No watches are left (docs/failure-model.md, "When a file is complete"). The limits are those of a user namespace, so that nobody else is short of them."""
    said = []
    for key, value in (("max_inotify_watches", 1), ("max_inotify_instances", 0)):
        limited = ["unshare", "--user", "--map-root-user", "sh", "-c", f'echo {value} > /proc/sys/user/{key} && exec "$@"', "sh"]
        if subprocess.run([*limited, "true"], capture_output=True).returncode: raise Impossible("there are no user namespaces here")
        sources = {f"s{i}": ["ready: {rule: rename}"] for i in range(3)}
        with Home(o.build, work, sources, name=key, before=limited) as home:
            expected = {}
            for n in range(o.count):
                source, name, text = f"s{n % 3}", f"f-{n:05}.csv", HEADER + row(f"F{n}", n)
                home.rename_in(source, name, text)
                expected[source, name] = text
            home.wait_for(o.count, 90)
            home.check_all(expected)
            deadline = time.monotonic() + 30
            while not any(mode.startswith("polling") for mode in watch_modes(home)):
                if time.monotonic() > deadline: raise Wrong(f"{key}: the sources are watched by {watch_modes(home)}")
                time.sleep(0.1)
            modes = watch_modes(home)
            if "poll" not in home.last(4000): raise Wrong(f"{key}: no alarm in the log: {home.last()}")
            said.append(f"{key} = {value}: {sum(mode.startswith('polling') for mode in modes)} of 3 sources polled")
    return f"{o.count} files each time; " + ", ".join(said)


def strangers(o, work):
    """The usual installation: a user of its own, files of other users, one of them unreadable, one in a folder it may not write to."""
    if os.geteuid() != 0: raise Impossible("only root can be several users")
    user = 65534
    os.chmod(work, 0o755)
    sources = {"open": ["ready: {rule: rename}"], "sticky": ["ready: {rule: rename}"]}
    home = Home(o.build, work, sources, before=["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", "--no-new-privs"])
    for r, folders, files in os.walk(home.path):
        for path in [r] + [os.path.join(r, f) for f in files]: os.chown(path, user, user)
    os.chmod(home.folder("open"), 0o777)
    os.chown(home.folder("sticky"), 0, 0)
    os.chmod(home.folder("sticky"), 0o1777)
    with home:
        expected = {}
        for n in range(o.count):
            name, text = f"f-{n:05}.csv", HEADER + row(f"F{n}", n)
            home.rename_in("open", name, text)
            expected["open", name] = text
        home.wait_for(o.count, 60)
        part = os.path.join(home.folder("open"), "secret.csv")
        made = os.path.join(work, "secret.csv")  # In its place it is unreadable from the first moment.
        with open(made, "w") as file: file.write(HEADER)
        os.chmod(made, 0o600)
        os.rename(made, part)
        home.rename_in("open", "last.csv", HEADER + row("F0", 9999))
        expected["open", "last.csv"] = HEADER + row("F0", 9999)
        home.wait_for(o.count + 1, 60)
        why = subprocess.run([home.twindrop, "why", part, "--home", home.path], capture_output=True, text=True).stdout
        if "ermission" not in why: raise Wrong(f"why says of a file that may not be read: {why}")
        os.unlink(part)
        stuck = os.path.join(home.folder("sticky"), "x.csv")
        home.rename_in("sticky", "x.csv", HEADER + row("G1", 1))
        deadline = time.monotonic() + 30
        while "ermi" not in (why := subprocess.run(
                [home.twindrop, "why", stuck, "--home", home.path], capture_output=True, text=True).stdout + home.last(4000)):
            if time.monotonic() > deadline: raise Wrong(f"of a folder that forbids taking its files is said: {why}")
            time.sleep(0.2)
        if not os.path.exists(stuck): raise Wrong("the file of the sticky folder is gone")
        os.unlink(stuck)
        home.check_all(expected)
        facts = os.stat(os.path.join(home.path, "state"))
        if facts.st_mode & 0o077: raise Wrong(f"others may look into the state folder: {oct(facts.st_mode)}")
    home.verify()
    return f"{o.count + 1} files of another user applied by a user without rights, an unreadable one and one that may not be taken reported"


def burst(o, work):
    with open("/proc/sys/fs/inotify/max_queued_events") as file: queue = int(file.read())
    with Home(o.build, work, {"s": ["ready: {rule: rename}"]}) as home:
        began = time.monotonic()
        home.rename_in("s", "first.csv", HEADER + row("F", 1))
        home.wait_for(1, 30)
        helper = children(home.daemon.pid)["twindrop-watch"][0]
        os.kill(helper, signal.SIGSTOP)
        began = time.monotonic()
        try:
            for n in range(o.count): home.rename_in("s", f"f-{n:06}.csv", HEADER + row(f"F{n % 500}", n))
        finally: os.kill(helper, signal.SIGCONT)
        wrote = time.monotonic() - began
        states = home.wait_for(o.count + 1, 900)
        took = time.monotonic() - began
        if states != {"done": o.count + 1}: raise Wrong(f"I1: {states}")
        names = home.rows("SELECT count(DISTINCT file_name) FROM drops")[0][0]
        if names != o.count + 1: raise Wrong(f"I1: {names} names of {o.count + 1}")
        p = subprocess.run([home.twindrop, "status", "--home", home.path, "--json"], capture_output=True, text=True)
        overflows = int(re.search(r'"overflows":(\d+)', p.stdout)[1])
        if overflows == 0: raise Wrong(f"the queue of {queue} events did not overflow: take more files")
    return f"{o.count} files in {took:.1f} s ({wrote:.1f} s to write them), {overflows} overflows of {queue} events, none missed"


TRIALS = {"watches": (watches, 30), "strangers": (strangers, 60), "helpers": (helpers, 600), "leaks": (leaks, 200), "full-disk": (full_disk, 90), "writers": (writers, 100), "burst": (burst, 100_000)}


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("trial", choices=sorted(TRIALS))
    a.add_argument("--build", required=True, help="the folder with the built programs")
    a.add_argument("--count", type=int, default=0)
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--work", help="where homes are made; a temporary folder")
    o = a.parse_args()
    run, count = TRIALS[o.trial]
    o.count = o.count or count
    o.seed = o.seed or int(time.time())
    with tempfile.TemporaryDirectory(prefix="td-daemon-", dir=o.work) as work:
        try: print(f"{o.trial}: {run(o, work)}")
        except Impossible as e:
            print(f"{o.trial}: skipped, {e}")
            sys.exit(77)
        except Wrong as e:
            print(f"{o.trial} (seed {o.seed}): {e}")
            sys.exit(1)


if __name__ == "__main__":
    main()
