"""A RealEstateCore building of 100,000 twins, made by a generator, imported by a job and asked."""
import json
import pathlib

import pytest
from conftest import Daemon
from test_jobs import finished, start

ONTOLOGY = pathlib.Path(__file__).resolve().parents[2].parent / "shared/ontologies/realestatecore-4.0/RealEstateCore.DTDLv2.jsonld"
REC, BRICK = "dtmi:org:w3id:rec:{};1", "dtmi:org:brickschema:schema:Brick:{};1"
SENSORS = ("Zone_Air_Temperature_Sensor", "CO2_Sensor", "Occupancy_Sensor")
LEVELS, ROOMS, POINTS = 20, 500, 9

pytestmark = pytest.mark.skipif(not ONTOLOGY.exists(), reason=f"there is no {ONTOLOGY}")


def space(id, kind, **properties):
    parts = {name: {"$metadata": {}} for name in ("area", "capacity")}
    return {"$dtId": id, "$metadata": {"$model": REC.format(kind)}, "name": id, **parts, **properties}


def edge(source, name, target):
    return {"$sourceId": source, "$relationshipId": f"{name}-{target}", "$targetId": target, "$relationshipName": name}


def building():
    yield {"Section": "Header"}
    yield {"fileVersion": "1.0.0", "author": "test", "organization": "test"}
    yield {"Section": "Twins"}
    yield space("b", "Building")
    for level in range(LEVELS):
        yield space(f"b-{level}", "Level", levelNumber=level)
        for room in range(ROOMS):
            yield space(f"b-{level}-{room}", "Room")
            for point in range(POINTS):
                kind = BRICK.format(SENSORS[point % len(SENSORS)])
                yield {"$dtId": f"b-{level}-{room}-{point}", "$metadata": {"$model": kind}, "name": f"point {point}",
                       "lastKnownValue": {"$metadata": {}}}
    yield {"Section": "Relationships"}
    for level in range(LEVELS):
        yield edge("b", "hasPart", f"b-{level}")
        for room in range(ROOMS):
            yield edge(f"b-{level}", "hasPart", f"b-{level}-{room}")
            for point in range(POINTS): yield edge(f"b-{level}-{room}", "hasPoint", f"b-{level}-{room}-{point}")


def test_a_building_of_a_hundred_thousand_twins():
    daemon = Daemon("", {"models/rec.json": ONTOLOGY.read_text()})
    try:
        start(daemon, "building", "building.ndjson", building())
        job = finished(lambda: daemon.client()._client.import_jobs.get_by_id("building"), patience=300)
        assert job.status == "succeeded", (daemon.home / "jobs/building.ndjson.log").read_text()[:2000]
        client = daemon.client()

        def count(query): return next(iter(client.query_twins("SELECT COUNT() FROM " + query)))["COUNT"]

        rooms = LEVELS * ROOMS
        assert count("DIGITALTWINS") == 1 + LEVELS + rooms * (1 + POINTS) >= 100_000
        assert count("RELATIONSHIPS") == LEVELS + rooms * (1 + POINTS)
        assert count(f"DIGITALTWINS T WHERE IS_OF_MODEL(T, '{REC.format('Space')}')") == 1 + LEVELS + rooms
        assert count(f"DIGITALTWINS T WHERE IS_OF_MODEL(T, '{BRICK.format('Temperature_Sensor')}')") == rooms * POINTS // 3
        below = "DIGITALTWINS L JOIN R RELATED L.hasPart JOIN P RELATED R.hasPoint WHERE L.$dtId = 'b-7'"
        assert count(below) == ROOMS * POINTS
        rows = client.query_twins(f"SELECT P.$dtId FROM {below} AND IS_OF_MODEL(P, '{BRICK.format('CO2_Sensor')}')")
        assert len({row["$dtId"] for row in rows}) == ROOMS * POINTS // 3
    finally:
        daemon.stop()
