# SPDX-License-Identifier: Apache-2.0
"""A run is killed, and something of `state` or of the drop zone is gone before the next start. Whatever it is: nothing that is still there is
lost, what is lost is named, one lost file keeps nobody else from going on, and no start goes on with less than the archive proves."""
import glob, os, shutil, time

import batch
from bench import Wrong, archived, check, check_applied, database, sha256

THINGS = ("log", "database", "lock", "folders", "owner", "spooled", "receipts")


def _paths(bench, thing, rng):
    """What is taken away; nothing where there is no such thing at this moment."""
    home = bench.path
    spooled = sorted(path for path in glob.glob(home + "/state/spool/in/*") if not path.endswith(".tmp"))
    return {
        "log": [home + "/state/twin.db-wal", home + "/state/twin.db-shm"],
        "database": glob.glob(home + "/state/twin.db*"),
        "lock": [home + "/state/lock"], "folders": [home + "/state/landing-folders.json"],
        "owner": [rng.choice(sorted(glob.glob(home + "/dropzone/*/.twindrop-owner")) or [home + "/none"])],
        "spooled": [rng.choice(spooled)] if spooled else [],
        "receipts": [home + "/receipts"],
    }[thing]


def _take(bench, paths):
    """Moves them away; where each was."""
    away, taken = os.path.join(bench.work, "away"), []
    shutil.rmtree(away, ignore_errors=True)
    os.makedirs(away)
    for number, path in enumerate(path for path in paths if os.path.exists(path)):
        shutil.move(path, os.path.join(away, str(number)))
        taken.append((path, os.path.join(away, str(number))))
    return taken


def _give_back(taken):
    for path, kept in taken:
        if os.path.isdir(path): shutil.rmtree(path)
        elif os.path.exists(path): os.unlink(path)
        shutil.move(kept, path)


def _digests(bench):
    """SHA-256 of every file that is a file of somebody: in the drop zone, the spool, the quarantine, the archive."""
    found = set()
    for part in ("dropzone", "state/spool/in", "state/quarantine"):
        for name in bench.below(part):
            with open(os.path.join(bench.path, part, name), "rb") as file: found.add(sha256(file.read()))
    if os.path.exists(os.path.join(bench.path, "archive", "chain.log")): found |= set(archived(bench)[0].values())
    return found


def _nothing_is_lost(bench, gone=None):
    found = _digests(bench)
    for name, data in batch.files().items():
        if sha256(data) not in found and sha256(data) != gone: raise Wrong(f"the bytes of {name} are nowhere")


def trial(bench, at, rng):
    """Whether the run was killed at its call, and the thing was there."""
    bench.fresh()
    struck = bench.run(at=at, mode=rng.choice(["before", "after"])) == -9
    thing = rng.choice(THINGS)
    paths = _paths(bench, thing, rng)
    gone = None
    if thing == "spooled" and paths:
        with open(paths[0], "rb") as file: gone = sha256(file.read())
    taken, lost_at = _take(bench, paths), int(time.time() * 1000)
    code = bench.run()
    said = bench.all_said()
    if code == 74:
        if thing in ("lock", "folders", "owner", "spooled", "receipts"): raise Wrong(f"without {thing} the start was refused: {said[-500:]}")
        for way in ("twindrop restore", "--accept-database"):
            if way not in said: raise Wrong(f"the refusal without {thing} does not name {way}: {said[-500:]}")
    elif code not in (0, 1): raise Wrong(f"without {thing} the next run ended with {code}: {said[-500:]}")
    _nothing_is_lost(bench, gone)
    if thing == "spooled": _without_file(bench, os.path.basename(paths[0]) if paths else None, said)
    elif thing in ("log", "database") and code != 74: _with_less(bench, said)
    elif thing == "receipts": _without_receipts(bench, lost_at)
    else:
        _give_back(taken)
        code = bench.run()
        if code not in (0, 1): raise Wrong(f"with {thing} given back the run ended with {code}: {bench.last()}")
        check(bench)
    return struck and bool(taken)


def _without_file(bench, drop, said):
    """All others have gone on; the drop is set aside, unless the archive had it; given up, it keeps nobody waiting."""
    drops = bench.ask("drops", "--limit", "1000")
    mine = [d for d in drops if d["drop"] == drop]
    if mine and mine[0].get("reason", {}).get("code") == "bytes-missing":
        if drop not in said: raise Wrong(f"nobody says that the bytes of {drop} are gone")
        bench.ask("discard", drop)
        if bench.run() not in (0, 1): raise Wrong(f"after the discard: {bench.last()}")
    left = [d for d in bench.ask("drops", "--limit", "1000") if d["state"] in ("claimed", "registered", "applied", "archived")]
    if left: raise Wrong(f"{[(d['file'], d['state']) for d in left]} did not go on")
    waiting = [f for f in bench.below("dropzone") if not f.endswith(".twindrop-owner")]
    if waiting: raise Wrong(f"{waiting} were not taken")
    check_applied(bench)
    bench.ask("verify", "--full")


def _without_receipts(bench, lost_at):
    """What was said already is gone; everything else is as it is, and each drop that ended since has its receipt."""
    check_applied(bench)
    said = {name.split("/")[-1].split(".")[0] for name in bench.below("receipts") if name.endswith(".receipt.json")}
    with database(bench) as db: ended = [row[0] for row in db.execute("SELECT id FROM drops WHERE changed_at > ? AND state IN ('done', 'duplicate', 'quarantined', 'held')", (lost_at,))]
    db.close()
    if missing := set(ended) - said: raise Wrong(f"drops that ended since have no receipt: {sorted(missing)[:3]}")
    bench.ask("verify", "--full")


def _with_less(bench, said):
    """A younger database was lost before anything was archived: what it knew lies in the spool, and each file is named."""
    known = {d["drop"] for d in bench.ask("drops", "--limit", "1000")}
    for name in bench.below("state", "spool", "in"):
        if name not in known and name not in said: raise Wrong(f"nobody says that {name} lies in the spool")
    check_applied(bench)
    bench.ask("verify", "--full")
