# SPDX-License-Identifier: Apache-2.0
"""Power cuts: homes on a file system of their own (ext4, XFS) on a loop device, which at one moment loses everything that was not synced.

The cut is the ioctl by which file systems are tested for this (XFS_IOC_GOINGDOWN without flushing the log; ext4 answers it, too): from
that moment nothing reaches the device, neither data nor journal. What the kernel had written by itself before counts; that the device
loses writes which nobody flushed is not simulated. Needs root, loop devices and mkfs; where one is missing, that is said.
"""
import ctypes, fcntl, os, shutil, struct, subprocess, time

import batch
from bench import Bench, Wrong

KINDS = ("ext4", "xfs")
GOING_DOWN = 0x8004587D  # _IOR('X', 125, unsigned)


class Impossible(Exception):
    """Power cuts cannot be made here."""


def hide_mounts():
    """Puts this process into a mount namespace of its own: a copy of a mount in somebody else's would keep a file system alive that lost its
    power. Without root nothing is mounted anyway."""
    new_mounts, private, recursive = 0x20000, 1 << 18, 1 << 14  # CLONE_NEWNS, MS_PRIVATE, MS_REC
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(new_mounts) == 0: libc.mount(b"none", b"/", None, private | recursive, None)


class Disk:
    """A file system in a file, mounted."""

    def __init__(self, folder, kind):
        self.image, self.mount, self.kind = os.path.join(folder, kind + ".img"), os.path.join(folder, kind), kind
        os.makedirs(self.mount, exist_ok=True)
        tool = shutil.which("mkfs." + kind, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if os.geteuid() != 0: raise Impossible("mounting needs root")
        if not tool: raise Impossible(f"there is no mkfs.{kind}")
        with open(self.image, "wb") as file: file.truncate((96 if kind == "ext4" else 320) << 20)
        made = subprocess.run([tool, "-q"] + (["-F"] if kind == "ext4" else ["-f"]) + [self.image], capture_output=True, text=True)
        if made.returncode: raise Impossible(f"mkfs.{kind}: {made.stderr.strip()[-200:]}")
        self.up()

    def up(self):
        # The journal is not written by itself within a trial: what nobody syncs is lost.
        options = "loop,commit=300" if self.kind == "ext4" else "loop"
        made = subprocess.run(["mount", "-t", self.kind, "-o", options, self.image, self.mount], capture_output=True, text=True)
        if made.returncode: raise Impossible(f"{self.kind} cannot be mounted: {made.stderr.strip()[-200:]}")

    def down(self):
        """Unmounts; workers of a daemon that was killed have their last files open for a moment."""
        for _ in range(200):
            if not subprocess.run(["umount", self.mount], capture_output=True).returncode: return
            time.sleep(0.05)
        raise Wrong(f"{self.mount} stays in use: a process of the run is left")

    def cut(self):
        descriptor = os.open(self.mount, os.O_RDONLY)
        try: fcntl.ioctl(descriptor, GOING_DOWN, struct.pack("I", 2))
        finally: os.close(descriptor)

    def has_power(self):
        probe = os.path.join(self.mount, "probe")
        try:
            with open(probe, "wb"): pass
            os.unlink(probe)
        except OSError: return False
        return True

    def sync(self): subprocess.run(["sync", "-f", self.mount], check=True)

    def close(self):
        subprocess.run(["umount", "-l", self.mount], capture_output=True)


class PowerBench(Bench):
    """A bench whose home lies on a disk that can lose its power."""

    def __init__(self, builds, work, kind):
        os.makedirs(work, exist_ok=True)
        self.disk = Disk(work, kind)
        super().__init__(builds, work, os.path.join(self.disk.mount, "home"))

    def fresh(self, is_fed=True):
        if not self.disk.has_power(): self.again()  # A trial failed.
        super().fresh(is_fed)
        self.disk.sync()

    def again(self):
        """After a cut: what is on the medium, with the journal replayed."""
        self.disk.down()
        self.disk.up()

    def close(self): self.disk.close()


def _sent(path, data, when):
    """Delivers one file as a careful sender does: it is on the medium before the sender forgets it."""
    with open(path + ".part", "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.utime(path + ".part", ns=(when,) * 2)
    os.rename(path + ".part", path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try: os.fsync(folder)
    finally: os.close(folder)


def _is_known(bench, name):
    """Whether the home has the file: a sender that did not come to its fsync looks."""
    source, base = name.split("/")
    if os.path.exists(os.path.join(bench.path, "dropzone", name)): return True
    if not os.path.exists(os.path.join(bench.path, "state", "twin.db")): return False
    drops = bench.ask("drops", "--limit", "1000")
    return any((drop["source"], drop["file"]) == (source, base) for drop in drops)


def cut_alone(bench, at, mode):
    """A daemon gets one file after another until the power is cut; then senders deliver what they know to be missing."""
    process = bench.start(at=at, mode=mode, args=("run", "--listen", "off"))
    files = list(batch.files().items())
    sent = 0
    try:
        for index, (name, data) in enumerate(files):
            path = os.path.join(bench.path, "dropzone", name)
            _sent(path, data, 1_760_000_000_000_000_000 + index * 10**9)
            sent = index + 1
            deadline = time.monotonic() + 25
            while os.path.exists(path) and process.poll() is None and time.monotonic() < deadline: time.sleep(0.002)
            if process.poll() is not None: break
    except OSError: pass  # The disk has no power any more.
    struck = _finish(bench, process)
    for index, (name, data) in list(enumerate(files))[sent:]:
        path = os.path.join(bench.path, "dropzone", name)
        if index == sent and _is_known(bench, name): continue
        for stray in (path + ".part",):
            if os.path.exists(stray): os.unlink(stray)
        _sent(path, data, 1_760_000_000_000_000_000 + index * 10**9)
    return struck


def cut_together(bench, at, mode):
    return _finish(bench, bench.start(at=at, mode=mode))


def _finish(bench, process):
    """Waits for the cut; where the run ended before its call, the power goes at its end. Whether it came at the call."""
    deadline = time.monotonic() + 60
    done = lambda: sum(f.endswith(".receipt.json") for f in bench.below("receipts")) >= 2 * len(batch.files())
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
        try:
            if process.args[1] == "run" and "--once" not in process.args and done(): break
        except OSError: pass
    if process.poll() is None: process.kill()
    process.wait()
    return after_cut(bench)


def after_cut(bench):
    """When the program is gone: cuts the power unless that was done at the call, and puts it on again. Whether it was. (A thread that sees
    its files fail may end the program before it is killed.)"""
    struck = not bench.disk.has_power()
    if not struck: bench.disk.cut()
    bench.again()
    return struck
