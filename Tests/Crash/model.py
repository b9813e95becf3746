# SPDX-License-Identifier: Apache-2.0
"""What the batch of the crash tests must come to: a second, small implementation of it in Python, from the files' bytes alone.

It knows nothing of the program under test: it reads the rows, keeps a graph of its own, and tells graph, books, revisions and refused
records. Runs that were disturbed are compared with it, and so is the run that nothing disturbed.
"""
import csv, io

import batch

OPERATIONS = ("created", "updated", "unchanged", "deleted", "rejected", "superseded", "waiting")


class Refused(Exception):
    """The plugin refuses the whole file."""


def _rows(data, delimiter=","):
    """Header, and each record with its number and its bytes."""
    lines = data.split(b"\n")
    if lines[-1] != b"": raise Refused()
    header = next(csv.reader(io.StringIO(lines[0].decode()), delimiter=delimiter))
    rows = []
    for number, line in enumerate(lines[1:-1], 1):
        cells = next(csv.reader(io.StringIO(line.decode()), delimiter=delimiter))
        rows.append((number, line, dict(zip(header, cells))))
    return lines[0], header, rows


def _assets(row):
    properties = {"name": row["name"], "category": row["category"], "site": row["site"], "status": row["status"]}
    if row["last_service"]: properties["lastService"] = row["last_service"]
    yield "twin", f"asset-{row['asset_id']}", "dtmi:com:example:Asset;1", properties


def _orders(row):
    forklift, order = f"forklift-{row['forklift_id']}", f"order-{row['order_id']}"
    priority, quantity = int(row["priority"]), float(row["quantity"])  # ValueError: the record is refused.
    yield "twin", forklift, "dtmi:com:example:Forklift;1", {"batteryPercent": int(row["battery_pct"])}
    yield "twin", order, "dtmi:com:example:Order;1", {"quantity": quantity, "priority": priority}
    yield "relationship", (forklift, "current-order"), ("currentOrder", order), {
        "fromBin": row["from_bin"], "toBin": row["to_bin"], "assignedAt": row["assigned_at"]}


def _fleet(row):
    company, depot, vehicle = f"company-{row['company_id']}", f"depot-{row['depot_id']}", f"vehicle-{row['vehicle_id']}"
    yield "once", company, "dtmi:com:example:Company;1", {"name": row["company_name"]}
    yield "once", depot, "dtmi:com:example:Depot;1", {"name": row["depot_name"]}
    yield "contains", (company, f"contains:{depot}"), ("contains", depot), {}
    yield "twin", vehicle, "dtmi:com:example:Vehicle;1", {"name": row["vehicle_name"], "vehicleType": row["vehicle_type"]}
    yield "relationship", (depot, f"contains:{vehicle}"), ("contains", vehicle), {}


def _docks(row):
    dock = f"dock-{row['dock']}"
    yield "twin", dock, "dtmi:com:example:Dock;1", {"state": row["state"], "queue": int(row["queue"])}
    yield "relationship", (dock, "next"), ("nextTo", f"dock-{row['next']}"), {}


READERS = {"assets": (_assets, ",", "asset_id"), "orders": (_orders, ",", "forklift_id"), "fleet": (_fleet, ",", "company_id"),
           "docks": (_docks, ";", "dock")}


def _operations(source, data):
    """What a file says: (kind, key, type, properties) in its order, and the refused records' bytes behind the header."""
    read, delimiter, first = READERS[source]
    line, header, rows = _rows(data, delimiter)
    if first not in header: raise Refused()
    said, refused, given = [], [], set()
    for number, text, row in rows:
        try: operations = list(read(row))
        except ValueError:
            refused.append((number, text))
            continue
        for kind, key, what, properties in operations:
            # Companies and depots are said once a file, and with a depot its relationship.
            if kind in ("once", "contains"):
                if key in given: continue
                given.add(key)
            said.append(("relationship" if isinstance(key, tuple) else "twin", key, what, properties))
    return said, line, refused, len(rows)


class Model:
    """The graph and the books after the batch, or what `files` gives of it."""

    files = staticmethod(batch.files)

    def __init__(self):
        self.things = {"twin": {}, "relationship": {}}
        self.books, self.rejects, self.revisions, self.commits = {}, {}, 0, 0
        for name, data in self.files().items(): self._apply(name, name.split("/")[0], data)

    def _apply(self, name, source, data):
        if not self.is_applied(name): return  # A duplicate, a refused file and a held one change nothing.
        said, header, refused, records = _operations(source, data)
        counts = dict.fromkeys(OPERATIONS, 0)
        folded = {}
        for kind, key, what, properties in said:
            if (kind, key) in folded:
                counts["superseded"] += 1
                what, properties = what, {**folded.pop((kind, key))[1], **properties}
            folded[kind, key] = (what, properties)
        for (kind, key), new in folded.items():
            old = self.things[kind].get(key)
            if old is not None: new = (new[0], {**old[1], **new[1]})
            counts["created" if old is None else "unchanged" if old == new else "updated"] += 1
            self.things[kind][key] = new
        self.revisions += counts["updated"]  # A first value is no change of one.
        self.commits += 1
        self.books[name] = {
            "records": {"read": records, "used": records - len(refused), "filtered": 0, "rejected": len(refused)},
            "operations": counts, "bytes": {"accounted": len(data), "unaccounted": 0}}
        if refused: self.rejects[name] = (b"\n".join([header] + [line for _, line in refused]) + b"\n", [number for number, _ in refused])

    def is_applied(self, name): return batch.outcome(name) == "done"

    def twins(self):
        """id -> (model, properties)"""
        return self.things["twin"]

    def relationships(self):
        """(source, id) -> ((name, target), properties)"""
        return self.things["relationship"]


class Applied(Model):
    """The model of some files, in the order of their commits: what is right where something was lost."""

    def __init__(self, names):
        self.files = lambda: {name: batch.files()[name] for name in names}
        super().__init__()

    def is_applied(self, name): return True


def graph_of(twins):
    """The same two of what `twindrop twin --all --json` prints."""
    found, relationships = {}, {}
    for twin in twins:
        found[twin["$dtId"]] = (twin["$metadata"]["$model"], {k: v for k, v in twin.items() if not k.startswith("$")})
        for one in twin.get("$relationships", []):
            key = (one["$sourceId"], one["$relationshipId"])
            relationships[key] = ((one["$relationshipName"], one["$targetId"]), {k: v for k, v in one.items() if not k.startswith("$")})
    return found, relationships
