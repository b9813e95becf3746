# SPDX-License-Identifier: Apache-2.0
"""`twindrop restore`, interrupted at every call: there is a whole database at every moment, the old one or the new one, and nothing that
was there is lost."""
import glob, os, shutil, sqlite3

import batch, model
from bench import MODEL, Wrong, check_graph, database

EARLIER = 6  # Files that the backup knows.


class Earlier(model.Model):
    """The model of the first files."""
    files = staticmethod(lambda: dict(list(batch.files().items())[:EARLIER]))


EARLIER_MODEL = Earlier()


def prepare(bench):
    """A home after the whole batch, with a backup of the time after its first files; where it is kept for the trials."""
    bench.fresh(is_fed=False)
    deliveries = batch.deliver(bench.path)
    for _ in range(EARLIER): next(deliveries)
    if bench.run() != 0: raise Wrong(f"the first part ended badly: {bench.last()}")
    bench.ask("backup", os.path.join(bench.path, "b.twindb"))
    for _ in deliveries: pass
    if bench.run() != 1: raise Wrong(f"the second part ended badly: {bench.last()}")
    template = os.path.join(bench.work, "template")
    shutil.rmtree(template, ignore_errors=True)
    shutil.copytree(bench.path, template, symlinks=True)
    return template


def begin(bench, template):
    if hasattr(bench, "disk") and not bench.disk.has_power(): bench.again()  # A trial failed.
    shutil.rmtree(bench.path, ignore_errors=True)
    shutil.copytree(template, bench.path, symlinks=True)
    if hasattr(bench, "disk"): bench.disk.sync()


def restore(bench, **options):
    return bench.run(args=("restore", os.path.join(bench.path, "b.twindb")), **options)


def state_of(bench):
    """Which of the two databases is in place."""
    for name, right in (("new", EARLIER_MODEL), ("old", MODEL)):
        try:
            check_graph(bench, right)
            return name
        except Wrong as e: why = e
    raise Wrong(f"neither the old database nor the new one is there: {why}")


def check(bench):
    """After the interruption; then the restore is made again, and the home goes on."""
    state_of(bench)
    code = restore(bench)
    if code != 0: raise Wrong(f"a second restore ended with {code}: {bench.last()}")
    check_graph(bench, EARLIER_MODEL)
    kept = [path for path in glob.glob(os.path.join(bench.path, "state", "twin.db.before-restore-*")) if not path.endswith(("-wal", "-shm"))]
    found = []
    for path in kept:
        with sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True) as db:
            if db.execute("PRAGMA integrity_check").fetchone()[0] != "ok": raise Wrong(f"{path} is damaged")
            found.append(db.execute("SELECT count(*) FROM drop_commit").fetchone()[0])
        db.close()
    if MODEL.commits not in found: raise Wrong(f"the database that was there is not kept: {found}")
    code = bench.run()
    if code not in (0, 1): raise Wrong(f"the next start ended with {code}: {bench.last()}")
    with database(bench) as db: held = db.execute("SELECT count(*) FROM drops WHERE state NOT IN ('done', 'duplicate', 'quarantined', 'held')").fetchone()[0]
    db.close()
    if held: raise Wrong(f"{held} drops are left on their way")
    bench.ask("verify", "--full")
