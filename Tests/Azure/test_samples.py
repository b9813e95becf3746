"""Real graphs: the distribution grid and the home of Azure's own samples, through the API and through an import job."""
import json
import pathlib

import pytest
from conftest import Daemon
from test_jobs import finished, start

SAMPLES = pathlib.Path(__file__).resolve().parents[2].parent / "shared/ontologies/samples/getting-started"
GRID = SAMPLES / "energy-grid-example/distributionGridBulkImport.json"
HOME = SAMPLES / "basic-home-example/import.json"

pytestmark = pytest.mark.skipif(not GRID.exists(), reason=f"there is no {GRID}")


@pytest.fixture
def fresh():
    daemon = Daemon()
    yield daemon
    daemon.stop()


def sections():
    """The grid: its models, twins and relationships."""
    found, section = {}, None
    for line in GRID.read_text().splitlines():
        value = json.loads(line)
        if "Section" in value: section = value["Section"]
        else: found.setdefault(section, []).append(value)
    return found["Models"], found["Twins"], found["Relationships"]


def build(client, models, twins, relationships):
    """By one call for each element, as an application does it."""
    client.create_models(models)
    for twin in twins: client.upsert_digital_twin(twin["$dtId"], twin)
    for edge in relationships:
        source = edge.get("$sourceId") or edge["$dtId"]  # The second is how files of jobs name it.
        body = {key: value for key, value in edge.items() if key != "$dtId"}
        client.upsert_relationship(source, edge["$relationshipId"], {**body, "$sourceId": source})


def graph(client):
    """Everything an application sees of it, without tags and times."""
    def plain(value):
        if not isinstance(value, dict): return value
        return {key: plain(inner) for key, inner in value.items() if key not in ("$etag", "$lastUpdateTime", "lastUpdateTime")}
    twins = {row["$dtId"]: plain(row) for row in client.query_twins("SELECT * FROM DIGITALTWINS")}
    edges = {(row["$sourceId"], row["$relationshipId"]): plain(row) for row in client.query_twins("SELECT * FROM RELATIONSHIPS")}
    models = {model.id: model.model for model in client.list_models(include_model_definition=True)}
    return models, twins, edges


def test_the_grid_is_the_same_by_calls_and_by_a_job(fresh):
    models, twins, relationships = sections()
    start(fresh, "grid", "grid.ndjson", map(json.loads, GRID.read_text().splitlines()))
    job = finished(lambda: fresh.client()._client.import_jobs.get_by_id("grid"))
    assert job.status == "succeeded", (fresh.home / "jobs/grid.ndjson.log").read_text()
    imported = graph(fresh.client())
    assert [len(part) for part in imported] == [len(models), len(twins), len(relationships)]

    other = Daemon()
    try:
        build(other.client(), models, twins, relationships)
        assert graph(other.client()) == imported
    finally:
        other.stop()


def test_the_grid_is_asked(fresh):
    models, twins, relationships = sections()
    client = fresh.client()
    build(client, models, twins, relationships)
    by_model = {twin["$dtId"]: twin["$metadata"]["$model"] for twin in twins}
    parents = {model["@id"]: model.get("extends") for model in models}

    def is_of(model, wanted):
        above = parents.get(model) or []
        return model == wanted or any(is_of(parent, wanted) for parent in ([above] if isinstance(above, str) else above))

    wanted = "dtmi:example:grid:plants:basePlant;1"
    rows = client.query_twins(f"SELECT T.$dtId FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '{wanted}')")
    assert {row["$dtId"] for row in rows} == {id for id, model in by_model.items() if is_of(model, wanted)} != set()

    edges = {}
    for edge in relationships: edges.setdefault(edge["$dtId"], []).append((edge["$relationshipName"], edge["$targetId"]))
    source = max(edges, key=lambda id: len(edges[id]))
    rows = client.query_twins(
        f"SELECT C.$dtId FROM DIGITALTWINS A JOIN B RELATED A.feeds JOIN C RELATED B.feeds WHERE A.$dtId = '{source}'")
    expected = sorted(far for name, near in edges[source] if name == "feeds"
                      for other, far in edges.get(near, []) if other == "feeds")
    assert sorted(row["$dtId"] for row in rows) == expected
    reached = client.query_twins(f"SELECT B.$dtId FROM DIGITALTWINS MATCH (A)-[:feeds*..2]->(B) WHERE A.$dtId = '{source}'")
    near = {target for name, target in edges[source] if name == "feeds"}
    assert {row["$dtId"] for row in reached} == near | set(expected)


def test_the_home_is_built_and_walked(fresh):
    sample = json.loads(HOME.read_text())
    client = fresh.client()
    build(client, sample["digitalTwinsModels"], sample["digitalTwinsGraph"]["digitalTwins"], sample["digitalTwinsGraph"]["relationships"])
    for twin in sample["digitalTwinsGraph"]["digitalTwins"]:
        read = client.get_digital_twin(twin["$dtId"])
        assert {key: value for key, value in read.items() if key[0] != "$"} == {
            key: value for key, value in twin.items() if key[0] != "$"}
        mine = {edge["$relationshipId"] for edge in sample["digitalTwinsGraph"]["relationships"] if edge["$sourceId"] == twin["$dtId"]}
        assert {edge["$relationshipId"] for edge in client.list_relationships(twin["$dtId"])} == mine
