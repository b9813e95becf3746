"""Dropped files and callers write the same twins at the same time: nothing is lost, and each value tells who set it."""
import json
import threading

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from conftest import MACHINE, MACHINES, Daemon, interface

FILES, TWINS, STEPS = 40, 12, 30
CONFIGURATION = """\
sources:
  machines:
    plugin: mapping
    mapping: machines.yaml
    ready: {rule: rename}
    validation: strict
"""


@pytest.fixture
def fresh():
    daemon = Daemon(CONFIGURATION, {"mappings/machines.yaml": MACHINES, "models/machine.json": json.dumps(interface(MACHINE, [
        {"@type": "Property", "name": "run", "schema": "integer"},
        {"@type": "Property", "name": "count", "schema": "integer"}]))})
    yield daemon
    daemon.stop()


def drop(daemon, run):
    """Files replace each other's values on all twins."""
    path = daemon.home / "jobs" / f"run-{run:04}.csv"
    path.write_text("id,run\n" + "".join(f"m{n},{run}\n" for n in range(TWINS)))
    return daemon.run("drop", str(path), "--source", "machines", "--wait")


def count_up(daemon, n, failures):
    """Adds one, STEPS times, each time to what it read; a caller that comes too late reads again."""
    client, done = daemon.client(), 0
    try:
        while done < STEPS:
            twin = client.get_digital_twin(f"m{n}")
            operation = "replace" if "count" in twin else "add"
            try:
                client.update_digital_twin(
                    f"m{n}", [{"op": operation, "path": "/count", "value": twin.get("count", 0) + 1}],
                    etag=twin["$etag"], match_condition=MatchConditions.IfNotModified)
                done += 1
            except HttpResponseError as error:
                if error.status_code != 412: raise
    except Exception as error:
        failures.append(error)


def test_no_update_is_lost(fresh):
    drop(fresh, 0)
    failures = []
    callers = [threading.Thread(target=count_up, args=(fresh, n % TWINS, failures)) for n in range(2 * TWINS)]
    for caller in callers: caller.start()
    for run in range(1, FILES + 1): drop(fresh, run)
    for caller in callers: caller.join()
    assert not failures

    client, tags = fresh.client(), set()
    for n in range(TWINS):
        twin = client.get_digital_twin(f"m{n}")
        assert (twin["run"], twin["count"]) == (FILES, 2 * STEPS)
        tags.add(twin["$etag"])
        file, caller = (json.loads(fresh.run("explain", f"m{n}", f"/{name}", "--json")) for name in ("run", "count"))
        assert f"run-{FILES:04}.csv" in json.dumps(file) and "anonymous" not in json.dumps(file["setBy"])
        assert "anonymous" in json.dumps(caller["setBy"])
        steps = [json.loads(line) for line in fresh.run("history", f"m{n}", "--limit", "1000", "--json").splitlines()]
        assert len(steps) == 1 + FILES + 2 * STEPS
    assert len(tags) == TWINS
