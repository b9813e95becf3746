# SPDX-License-Identifier: Apache-2.0
"""The batch of the crash tests: a home with four sources that own disjoint twins, and twelve files that end in every way a drop can.

Each file is a function of its name, so that two batches have the same bytes. `order: name` and the order of delivery make the outcome of an
undisturbed run the only right one, whatever came in between.
"""
import hashlib, os

# One of the files is as large as a container, so that it is compressed while it is on its way.
CONFIGURATION = """\
log: {level: warning}
archive: {container-size: 1 MiB}
sources:
  assets:
    plugin: asset-inventory
    mode: snapshot
    order: name
    ready: {rule: rename}
  orders:
    plugin: wms-orders
    order: name
    ready: {rule: rename}
  fleet:
    plugin: fleet-hierarchy
    order: name
    ready: {rule: rename}
  docks:
    plugin: mapping
    mapping: docks.yaml
    order: name
    ready: {rule: rename}
"""

MAPPING = """\
dialect: {delimiter: ";"}
twins:
  - id: "dock-{dock}"
    model: dtmi:com:example:Dock;1
    properties:
      state: state
      queue: {column: queue, type: int}
relationships:
  - source: "dock-{dock}"
    name: nextTo
    target: "dock-{next}"
    id: next
"""


def _assets(day, lines=60):
    rows = ["asset_id,name,category,site,status,last_service"]
    for i in range(1, lines + 1):
        status = ["active", "idle", "maintenance"][(i + (day if i % 7 == 0 else 0)) % 3]
        rows.append(f"A-{i:04d},\"Asset {i}, bay {i % 9}\",truck,HAM{i % 4},{status},2026-0{i % 9 + 1}-11")
    return rows


def _orders(minute, broken=()):
    rows = ["forklift_id,battery_pct,order_id,priority,from_bin,to_bin,quantity,assigned_at"]
    for i in range(1, 31):
        priority = "high" if i in broken else str(i % 3 + 1)
        order = 4000 + i + (minute if i % 3 == 0 else 0)
        rows.append(f"FL-{i:03d},{100 - (i + minute) % 90},{order},{priority},A-{i:02d}-01,DOCK-{i % 5},{i},2026-11-21T08:{minute:02d}:00+01:00")
    return rows


def _fleet(vehicles):
    rows = ["company_id,company_name,depot_id,depot_name,vehicle_id,vehicle_name,vehicle_type"]
    for i in range(1, vehicles + 1):
        rows.append(f"C{i % 2},Company {i % 2},D{i % 4},Depot {i % 4},V{i:03d},Truck {i},truck")
    return rows


def _docks(queue, blocks=0):
    def note(i): return "".join(hashlib.sha256(f"{i} {block}".encode()).hexdigest() for block in range(blocks))
    rows = [f"{i};{'open' if (i + queue) % 2 else 'shut'};{queue};{i % 20 + 1};{note(i)}" for i in range(1, 21)]
    return ["dock;state;queue;next;note"] + rows


def _text(rows):
    return ("\n".join(rows) + "\n").encode()


def files():
    """SOURCE/NAME -> bytes, in the order of delivery."""
    return {
        "assets/a-20.csv": _text(_assets(0)),
        "orders/o-0800.csv": _text(_orders(0)),
        "fleet/f-1.csv": _text(_fleet(24)),
        "docks/d-1.csv": _text(_docks(1)),
        "assets/a-21.csv": _text(_assets(1)),
        "orders/o-0810.csv": _text(_orders(10)),
        "fleet/f-2.csv": _text(_fleet(24)),  # The same bytes again: a duplicate.
        "docks/d-2.csv": _text(_docks(2, blocks=900)),  # 1.1 MiB
        "orders/o-0820.csv": _text(_orders(20, broken=(7, 19))),  # Two rejects, within the guard.
        "docks/d-3.csv": _text(_docks(3)),
        "orders/o-0830.csv": b"<html><body>502 Bad Gateway</body></html>\n",  # Refused: quarantined.
        "assets/a-22.csv": _text(_assets(2)[:20]),  # A snapshot cut short: held.
    }


OUTCOMES = {"fleet/f-2.csv": "duplicate", "orders/o-0830.csv": "quarantined", "assets/a-22.csv": "held"}


def outcome(name):
    """The state this file must come to."""
    return OUTCOMES.get(name, "done")


def is_duplicate(name):
    return outcome(name) == "duplicate"


def make_home(path, extra=""):
    """A home with the four sources and nothing in it yet."""
    for folder in ["", "mappings"] + ["dropzone/" + source for source in ("assets", "orders", "fleet", "docks")]:
        os.makedirs(os.path.join(path, folder), exist_ok=True)
    with open(os.path.join(path, "twindrop.yaml"), "w") as file: file.write(CONFIGURATION + extra)
    with open(os.path.join(path, "mappings", "docks.yaml"), "w") as file: file.write(MAPPING)


def feed(path):
    """Delivers the batch; see `deliver`."""
    for _ in deliver(path): pass


def deliver(path):
    """Delivers the files as senders would, one each time it is asked: written beside under a temporary name, then renamed. Times rise with
    the order. Yields their paths."""
    for index, (name, data) in enumerate(files().items()):
        target = os.path.join(path, "dropzone", name)
        with open(target + ".part", "wb") as file: file.write(data)
        os.utime(target + ".part", ns=(1_760_000_000_000_000_000 + index * 10**9,) * 2)
        os.rename(target + ".part", target)
        yield target
