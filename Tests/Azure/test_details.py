"""Details that applications come to rely on: metadata, patches, orphans, decommissioning, Azure's rules for models, whole exports."""
import json

import pytest
from azure.core.exceptions import HttpResponseError
from conftest import MACHINES, Daemon, interface, room_twin
from test_jobs import finished
from test_wire import error_code, send


def patch(daemon, path, operations):
    """Status and code of a patch; the code is None where it went through."""
    status, _, text = send(daemon, "PATCH", path, operations, {"Content-Type": "application/json-patch+json"})
    return status, json.loads(text)["error"]["code"] if text else None


def edit(verb, path, value=None):
    return {"op": verb, "path": path} if verb == "remove" else {"op": verb, "path": path, "value": value}


@pytest.mark.parametrize("operation, expected", [
    (edit("replace", "/seats", 1), (400, "JsonPatchInvalid")),            # Not there yet: add it.
    (edit("remove", "/seats"), (400, "JsonPatchInvalid")),
    (edit("add", "/seats", 1), (204, None)),
    (edit("add", "/nope", 1), (400, "ValidationFailed")),
    (edit("replace", "/nope", 1), (400, "JsonPatchInvalid")),
    (edit("add", "/place/z", 1), (400, "JsonPatchInvalid")),              # Nothing of the object is there.
    (edit("add", "/place", {"x": 1}), (204, None)),
    (edit("replace", "/tags/a~1b", True), (204, None)),
    (edit("replace", "/tags/c~0d", True), (204, None)),
    (edit("replace", "/tags/a~2b", True), (400, "JsonPatchInvalid")),
    (edit("add", "/tags/new", 1), (400, "ValidationFailed")),
    (edit("replace", "/readings/0", 9), (204, None)),
    (edit("add", "/readings/-", 9), (204, None)),
    (edit("replace", "/readings/3", 9), (400, "JsonPatchInvalid")),
    (edit("remove", "/thermostat"), (400, "ValidationFailed")),           # A component is never missing.
    (edit("replace", "/thermostat/setPoint", 2), (204, None)),
    (edit("replace", "/thermostat/nope", 2), (400, "JsonPatchInvalid")),
    (edit("add", "/label", None), (400, "ValidationFailed")),
    (edit("replace", "/$dtId", "x"), (400, "JsonPatchInvalid")),
    (edit("replace", "/$etag", "x"), (400, "JsonPatchInvalid")),
    (edit("remove", "/$metadata"), (400, "JsonPatchInvalid")),
    (edit("add", "/$metadata/label/lastUpdateTime", "2020-01-01T00:00:00Z"), (400, "JsonPatchInvalid")),
    (edit("add", "/$metadata/label/sourceTime", "2020-01-01T00:00:00Z"), (204, None)),
    (edit("add", "/$metadata/label/sourceTime", "yesterday"), (400, "ValidationFailed")),
    (edit("add", "/$metadata/seats/sourceTime", "2020-01-01T00:00:00Z"), (400, "JsonPatchInvalid")),
    (edit("replace", "/$metadata/$model", "dtmi:test:Nowhere;1"), (400, "ValidationFailed")),
    (edit("add", "", {}), (400, "JsonPatchInvalid")),
    (edit("add", "label", "x"), (400, "JsonPatchInvalid")),
    ({"op": "test", "path": "/label", "value": "l"}, (400, "JsonPatchInvalid")),
    ({"op": "add", "path": "/label"}, (400, "JsonPatchInvalid")),
    ({"op": "add", "value": "l"}, (400, "JsonPatchInvalid")),
    ({}, (400, "JsonPatchInvalid")),
])
def test_each_kind_of_patch_has_its_own_answer(daemon, client, room, name, operation, expected):
    twin = name("t")
    before = client.upsert_digital_twin(twin, {
        **room_twin(room, label="l", tags={"a/b": False, "c~d": False}, readings=[1, 2, 3]),
        "thermostat": {"$metadata": {}, "setPoint": 1}})
    assert patch(daemon, f"/digitaltwins/{twin}", [operation]) == expected
    assert (client.get_digital_twin(twin) == before) == (expected[0] != 204)


def test_metadata_follows_what_was_written(client, room, name):
    twin, moment = name("t"), "2001-02-03T04:05:06Z"
    written = {"$dtId": "another", "$etag": None, "label": "l", "seats": 1, "$metadata": {
        "$model": room["Room"], "$lastUpdateTime": "2000-01-01T00:00:00Z",
        "label": {"lastUpdateTime": "2000-01-01T00:00:00Z", "sourceTime": moment}},
        "thermostat": {"setPoint": 1, "$metadata": {"setPoint": {"sourceTime": moment}}}}
    first = client.upsert_digital_twin(twin, written)
    assert first["$dtId"] == twin and first["$metadata"]["label"]["sourceTime"] == moment
    assert first["$metadata"]["label"]["lastUpdateTime"] == first["$metadata"]["$lastUpdateTime"] > "2026"
    assert first["thermostat"]["$metadata"]["setPoint"]["sourceTime"] == moment

    client.update_component(twin, "thermostat", [edit("replace", "/setPoint", 2)])
    second = client.get_digital_twin(twin)
    later = second["thermostat"]["$metadata"]
    assert later["setPoint"]["lastUpdateTime"] == later["$lastUpdateTime"] == second["$metadata"]["$lastUpdateTime"]
    assert later["$lastUpdateTime"] > first["$metadata"]["$lastUpdateTime"]
    assert later["setPoint"]["sourceTime"] == moment, "it stays when the value alone changes"
    assert second["$metadata"]["seats"] == first["$metadata"]["seats"]

    client.update_digital_twin(twin, [edit("remove", "/label")])
    assert "label" not in client.get_digital_twin(twin)["$metadata"]
    third = client.upsert_digital_twin(twin, room_twin(room, seats=1))
    assert third["$metadata"]["seats"]["lastUpdateTime"] > second["$metadata"]["seats"]["lastUpdateTime"]


def test_an_empty_patch_changes_nothing(client, room, name):
    twin = name("t")
    before = client.upsert_digital_twin(twin, room_twin(room, seats=1))
    client.update_digital_twin(twin, [])
    client.update_component(twin, "thermostat", [])
    assert client.get_digital_twin(twin) == before


@pytest.mark.parametrize("id", ["a b", "ü/é", "100%", "it's", "\"q\"", "a?b#c&d=e+f", "🙂", "...", "<x>", "\\", "x" * 128])
def test_ids_are_what_they_are(client, room, name, id):
    room_id = name("r") + id if len(id) < 100 else id
    client.upsert_digital_twin(room_id, room_twin(room))
    assert client.get_digital_twin(room_id)["$dtId"] == room_id
    quoted = room_id.replace("\\", "\\\\").replace("'", "\\'")
    assert [row["$dtId"] for row in client.query_twins(f"SELECT $dtId FROM digitaltwins WHERE $dtId = '{quoted}'")] == [room_id]
    floor = name("f")
    client.upsert_digital_twin(floor, {"$metadata": {"$model": room["Floor"]}})
    client.upsert_relationship(floor, id, {"$targetId": room_id, "$relationshipName": "has"})
    assert client.get_relationship(floor, id)["$targetId"] == room_id
    [incoming] = client.list_incoming_relationships(room_id)
    assert incoming.relationship_id == id and incoming.source_id == floor
    client.delete_relationship(floor, id)
    client.delete_digital_twin(room_id)


@pytest.mark.parametrize("body", [
    b'{"$metadata":{"$model":"MODEL"},"thermostat":{"$metadata":{}},"label":"a","label":"b"}',
    b'{"$metadata":{"$model":"MODEL"},"thermostat":{"$metadata":{}},"temperature":1e400}',
    b'{"$metadata":{"$model":"MODEL"},"thermostat":{"$metadata":{}},"label":"\xff"}',
    b'[]', b'"x"', b'{', b'nothing', b'[' * 5000,
])
def test_bodies_that_are_no_twin_are_refused(daemon, room, name, body):
    twin = name("t")
    assert error_code(send(daemon, "PUT", f"/digitaltwins/{twin}", body.replace(b"MODEL", room["Room"].encode()))) == (
        400, "InvalidArgument")
    assert error_code(send(daemon, "GET", f"/digitaltwins/{twin}")) == (404, "DigitalTwinNotFound")


def test_decommissioned_models_keep_their_twins(daemon, client, room, name):
    old, other = name("old"), name("other")
    client.upsert_digital_twin(old, room_twin(room))
    client.upsert_digital_twin(other, {"$metadata": {"$model": room["Space"]}})
    floor = name("floor")
    client.upsert_digital_twin(floor, {"$metadata": {"$model": room["Floor"]}})
    decommission = [edit("replace", "/decommissioned", True)]
    assert patch(daemon, f"/models/{room['Thermostat']}", decommission) == (409, "ModelReferencesNotDecommissioned")
    for _ in range(2): assert patch(daemon, f"/models/{room['Room']}", decommission) == (204, None)
    client.update_digital_twin(old, [edit("add", "/seats", 1)])
    client.upsert_relationship(floor, "r", {"$targetId": old, "$relationshipName": "has"})
    client.upsert_digital_twin(old, room_twin(room, seats=2))
    move = [edit("replace", "/$metadata/$model", room["Room"]), edit("add", "/thermostat", {"$metadata": {}})]
    assert patch(daemon, f"/digitaltwins/{other}", move) == (400, "ModelDecommissioned")
    assert patch(daemon, f"/models/{room['Room']}", [edit("replace", "/decommissioned", False)]) == (204, None)
    assert patch(daemon, f"/digitaltwins/{other}", move) == (204, None)
    assert patch(daemon, f"/models/{room['Room']}", [edit("add", "/decommissioned", True)]) == (400, "JsonPatchInvalid")


def test_orphans_are_read_linked_to_and_deleted_but_not_written(daemon, client, room, name):
    twin, floor = name("t"), name("f")
    client.upsert_digital_twin(twin, room_twin(room, seats=1))
    client.upsert_digital_twin(floor, {"$metadata": {"$model": room["Floor"]}})
    definition = client.get_model(room["Room"], include_model_definition=True).model
    before = client.get_digital_twin(twin)
    client.delete_model(room["Room"])
    assert client.get_digital_twin(twin) == before
    assert client.get_component(twin, "thermostat") == before["thermostat"]
    for path, operation in ((twin, edit("add", "/seats", 2)), (f"{twin}/components/thermostat", edit("add", "/setPoint", 2))):
        assert patch(daemon, f"/digitaltwins/{path}", [operation]) == (400, "ValidationFailed")
    client.upsert_relationship(floor, "in", {"$targetId": twin, "$relationshipName": "has"})
    assert [one.relationship_id for one in client.list_incoming_relationships(twin)] == ["in"]
    client.publish_telemetry(twin, {"x": 1})
    client.create_models([definition])
    client.update_digital_twin(twin, [edit("replace", "/seats", 2)])
    assert client.get_digital_twin(twin)["seats"] == 2
    client.delete_relationship(floor, "in")
    client.delete_model(room["Room"])
    client.delete_digital_twin(twin)


INLINE = {"@type": "Component", "name": "c", "schema": {"@type": "Interface", "@id": "dtmi:test:Inner;1", "contents": []}}


@pytest.mark.parametrize("model, code", [
    (interface("MODEL", [{"@type": "Command", "name": "go"}]), "DTDLParserError"),
    ({**interface("MODEL"), "@context": "dtmi:dtdl:context;4"}, "ModelVersionNotSupported"),
    ({**interface("MODEL"), "@context": "dtmi:dtdl:context;9"}, "ModelVersionNotSupported"),
    (interface("MODEL", [INLINE]), "DTDLParserError"),
    ({**interface("MODEL", [{"@type": "Property", "name": "p", "schema": {"@type": "Array", "elementSchema": "integer"}}]),
      "@context": "dtmi:dtdl:context;2"}, "DTDLParserError"),
])
def test_models_follow_the_service(daemon, name, model, code):
    model = {**model, "@id": f"dtmi:test:{name('M')};1"}
    assert error_code(send(daemon, "POST", "/models", [model])) == (400, code)
    assert error_code(send(daemon, "GET", f"/models/{model['@id']}")) == (404, "ModelNotFound")


def test_components_nest_one_level_and_inherited_names_are_taken(daemon, client, room, name):
    nested = interface(f"dtmi:test:{name('N')};1", [{"@type": "Component", "name": "room", "schema": room["Room"]}])
    again = interface(f"dtmi:test:{name('A')};1", [{"@type": "Property", "name": "label", "schema": "string"}], extends=room["Space"])
    newer = {**interface(f"dtmi:test:{name('V')};1", extends=room["Space"]), "@context": "dtmi:dtdl:context;2"}
    for model in (nested, again, newer):
        assert error_code(send(daemon, "POST", "/models", [model])) == (400, "DTDLParserError"), model


def test_the_language_itself_is_taken_where_it_is_configured():
    daemon = Daemon("http:\n  models: dtdl\n")
    try:
        model = {**interface("dtmi:test:M;1", [{"@type": "Command", "name": "go"}]), "@context": "dtmi:dtdl:context;4"}
        daemon.client().create_models([model])
        assert daemon.client().get_model("dtmi:test:M;1", include_model_definition=True).model == model
    finally:
        daemon.stop()


SOURCES = """\
sources:
  machines:
    plugin: mapping
    mapping: machines.yaml
    ready: {rule: rename}
"""
LINKS = MACHINES + """\
relationships:
  - source: "{id}"
    name: next
    target: "{next}"
"""


def whole(client):
    """The graph without tags and times of update."""
    def plain(value):
        if not isinstance(value, dict): return value
        return {key: plain(inner) for key, inner in value.items() if key not in ("$etag", "$lastUpdateTime", "lastUpdateTime")}
    return (
        {row["$dtId"]: plain(row) for row in client.query_twins("SELECT * FROM DIGITALTWINS")},
        {(row["$sourceId"], row["$relationshipId"]): plain(row) for row in client.query_twins("SELECT * FROM RELATIONSHIPS")},
        {model.id: model.model for model in client.list_models(include_model_definition=True)})


def test_an_export_holds_all_that_files_made_whatever_models_say(tmp_path):
    """Twins of unknown models, orphans, and a model in version 4: importing what was exported gives the same graph."""
    four = {**interface("dtmi:test:Four;1", [{"@type": "Command", "name": "go"}]), "@context": "dtmi:dtdl:context;4"}
    daemon = Daemon(SOURCES, {"mappings/machines.yaml": LINKS, "models/four.json": json.dumps(four)})
    try:
        client = daemon.client()
        drop = daemon.home / "jobs" / "drop.csv"
        drop.write_text("id,run,next\na,1,b\nb,2,c\nc,3,a\n")
        daemon.run("drop", str(drop), "--source", "machines", "--wait")
        part, orphan = interface("dtmi:test:Part;1", [{"@type": "Property", "name": "p", "schema": "string"}]), interface(
            "dtmi:test:Orphan;1", [{"@type": "Component", "name": "part", "schema": "dtmi:test:Part;1"},
                                   {"@type": "Relationship", "name": "to"}])
        client.create_models([part, orphan])
        body = {"$metadata": {"$model": orphan["@id"]}, "part": {"p": "x", "$metadata": {"p": {"sourceTime": "2001-01-01T00:00:00Z"}}}}
        client.upsert_digital_twin("o", body)
        client.upsert_digital_twin("empty", {"$metadata": {"$model": orphan["@id"]}, "part": {"$metadata": {}}})
        client.upsert_relationship("o", "r", {"$targetId": "a", "$relationshipName": "to"})
        client.upsert_digital_twin("four", {"$metadata": {"$model": four["@id"]}})
        client.delete_model(orphan["@id"])
        before = whole(client)
        assert len(before[0]) == 6 and len(before[1]) == 4 and len(before[2]) == 2
        assert before[0]["o"]["part"]["p"] == "x" and before[0]["empty"]["part"] == {"$metadata": {}}
        daemon.run("export", str(tmp_path / "graph"))
        lines = (tmp_path / "graph").read_text().splitlines()
        assert "$unchecked" not in next(line for line in lines if '"four"' in line)
    finally:
        daemon.stop()
    other = Daemon("", {"jobs/graph": "\n".join(lines) + "\n"})
    try:
        jobs = other.client()._client.import_jobs
        jobs.add("all", {"inputBlobUri": str(other.home / "jobs/graph"), "outputBlobUri": str(other.home / "jobs/log")})
        assert finished(lambda: jobs.get_by_id("all")).status == "succeeded", (other.home / "jobs/log").read_text()
        assert whole(other.client()) == before
        other.run("export", str(tmp_path / "again"))
        assert sorted((tmp_path / "again").read_text().splitlines()) == sorted(lines)
    finally:
        other.stop()


def test_lines_that_nobody_marked_are_checked(tmp_path):
    lines = [{"Section": "Header"}, {"fileVersion": "1.0.0"}, {"Section": "Twins"}, {"$dtId": "x", "$metadata": {"$model": "dtmi:test:No;1"}}]
    daemon = Daemon("", {"jobs/graph": "".join(json.dumps(line) + "\n" for line in lines)})
    try:
        jobs = daemon.client()._client.import_jobs
        jobs.add("all", {"inputBlobUri": str(daemon.home / "jobs/graph"), "outputBlobUri": str(daemon.home / "jobs/log")})
        assert finished(lambda: jobs.get_by_id("all")).status == "failed"
        with pytest.raises(HttpResponseError): daemon.client().get_digital_twin("x")
    finally:
        daemon.stop()
