"""Bulk jobs through the generated client of the SDK, and `twindrop export`."""
import json
import time

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from conftest import Daemon, interface


@pytest.fixture
def fresh():
    daemon = Daemon()
    yield daemon
    daemon.stop()


def finished(call, patience=60):
    """The job, once it has ended."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        job = call()
        if job.status not in ("notstarted", "running", "cancelling"):
            return job
        time.sleep(0.05)
    raise TimeoutError(f"the job is {job.status} still")


def lines(count):
    model = interface("dtmi:test:Box;1", [{"@type": "Property", "name": "n", "schema": "integer"},
                                          {"@type": "Relationship", "name": "next"}])
    yield {"Section": "Header"}
    yield {"fileVersion": "1.0.0", "author": "test", "organization": "test"}
    yield {"Section": "Models"}
    yield interface("dtmi:test:Crate;1", extends="dtmi:test:Box;1")
    yield model
    yield {"Section": "Twins"}
    for index in range(count):
        yield {"$dtId": f"b{index}", "$metadata": {"$model": "dtmi:test:Crate;1"}, "n": index}
    yield {"Section": "Relationships"}
    for index in range(count - 1):
        yield {"$dtId": f"b{index}", "$relationshipId": "r", "$targetId": f"b{index + 1}", "$relationshipName": "next"}


def start(daemon, job, name, content):
    path = daemon.home / "jobs" / name
    path.write_text("".join(json.dumps(line) + "\n" for line in content))
    body = {"inputBlobUri": str(path), "outputBlobUri": f"file://{daemon.home}/jobs/{name}.log"}
    return daemon.client()._client.import_jobs.add(job, body)


def graph(daemon):
    client = daemon.client()
    twins = {row["$dtId"]: row["n"] for row in client.query_twins("SELECT * FROM digitaltwins")}
    edges = {(row["$sourceId"], row["$relationshipId"], row["$targetId"]) for row in client.query_twins("SELECT * FROM relationships")}
    return twins, edges, {model.id for model in client.list_models()}


def test_import_and_export_give_the_same_graph(fresh):
    client = fresh.client()
    made = start(fresh, "one", "in.ndjson", lines(3000))
    assert made.id == "one" and made.status in ("notstarted", "running") and made.created_date_time
    done = finished(lambda: client._client.import_jobs.get_by_id("one"))
    assert done.status == "succeeded" and done.finished_date_time
    log = [json.loads(line) for line in (fresh.home / "jobs" / "in.ndjson.log").read_text().splitlines()]
    assert log[0]["details"] == {"status": "Started"} and log[-1]["details"] == {"status": "Succeeded"}
    assert {"section": "Twins", "status": "Succeeded"} in [line["details"] for line in log]
    before = graph(fresh)
    assert len(before[0]) == 3000 and len(before[1]) == 2999
    with pytest.raises(ResourceExistsError) as error:
        start(fresh, "one", "in.ndjson", lines(1))
    assert error.value.error.code == "JobIdAlreadyExists"
    fresh.run("export", str(fresh.home / "jobs" / "out.ndjson"))
    client._client.delete_jobs.begin_add(headers={"operation-id": "all"}, polling=False)
    assert finished(lambda: client._client.delete_jobs.get_by_id("all")).status == "succeeded"
    assert graph(fresh) == ({}, set(), set())
    client._client.import_jobs.add("two", {"inputBlobUri": str(fresh.home / "jobs" / "out.ndjson"),
                                           "outputBlobUri": str(fresh.home / "jobs" / "two.log")})
    assert finished(lambda: client._client.import_jobs.get_by_id("two")).status == "succeeded"
    assert graph(fresh) == before
    assert [job.id for job in client._client.import_jobs.list()] == ["one", "two"]
    client._client.import_jobs.delete("one")
    with pytest.raises(ResourceNotFoundError) as error:
        client._client.import_jobs.get_by_id("one")
    assert error.value.error.code == "JobNotFound"


def test_import_names_the_lines_it_refuses(fresh):
    client = fresh.client()
    content = list(lines(3))
    content[7]["n"] = "three"
    start(fresh, "bad", "bad.ndjson", content)
    done = finished(lambda: client._client.import_jobs.get_by_id("bad"))
    assert done.status == "failed" and done.error.code == "ValidationFailed"
    log = [json.loads(line) for line in (fresh.home / "jobs" / "bad.ndjson.log").read_text().splitlines()]
    refused = [line["details"] for line in log if line["logType"] == "Error"]
    assert refused[0]["line"] == 8 and refused[0]["id"] == "b1"
    assert set(graph(fresh)[0]) == {"b0", "b2"}


def test_import_takes_what_is_right_of_a_file_that_is_not(fresh):
    """A mark of the encoding, Windows' ends of lines, a line that is no JSON, a section out of its order."""
    client = fresh.client()
    text = "\r\n".join(json.dumps(line) for line in lines(4)).replace('"n": 1}', '"n": 1').encode()
    (fresh.home / "jobs" / "odd").write_bytes(b"\xef\xbb\xbf" + text + b'\r\n{"Section":"Twins"}\r\n')
    client._client.import_jobs.add("odd", {"inputBlobUri": str(fresh.home / "jobs/odd"), "outputBlobUri": str(fresh.home / "jobs/log")})
    done = finished(lambda: client._client.import_jobs.get_by_id("odd"))
    assert done.status == "failed" and "Twins is not allowed here" in done.error.message
    twins, edges, models = graph(fresh)
    assert set(twins) == {"b0", "b2", "b3"} and len(models) == 2 and edges == {("b2", "r", "b3")}


def test_jobs_touch_allowed_folders_only(fresh):
    client = fresh.client()
    outside = fresh.home / "secret"
    outside.write_text("{}")
    (fresh.home / "jobs" / "link").symlink_to(outside)
    log = str(fresh.home / "jobs" / "log")
    for path in (str(outside), str(fresh.home / "jobs" / "link"), f"{fresh.home}/jobs/../secret", "https://example.org/x", "x"):
        with pytest.raises(HttpResponseError) as error:
            client._client.import_jobs.add("j", {"inputBlobUri": path, "outputBlobUri": log})
        assert error.value.status_code == 400 and error.value.error.code == "InvalidArgument"
    (fresh.home / "jobs" / "in").write_text("{}")
    with pytest.raises(HttpResponseError) as error:
        client._client.import_jobs.add("j", {"inputBlobUri": str(fresh.home / "jobs" / "in"), "outputBlobUri": str(outside)})
    assert error.value.status_code == 400 and outside.read_text() == "{}"


def test_one_job_runs_at_a_time(fresh):
    client = fresh.client()
    start(fresh, "long", "long.ndjson", lines(20000))
    with pytest.raises(HttpResponseError) as error:
        start(fresh, "second", "second.ndjson", lines(1))
    assert error.value.status_code == 429 and "TooManyRequests" in json.loads(error.value.response.text())
    assert client._client.import_jobs.cancel("long").id == "long"
    job = finished(lambda: client._client.import_jobs.get_by_id("long"))
    assert job.status in ("cancelled", "succeeded")
