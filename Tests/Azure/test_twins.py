"""Twins and components: what is written is read back, and nothing else changes."""
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from conftest import room_twin


def plain(twin):
    """The twin without what the service adds."""
    return {key: value for key, value in twin.items() if not key.startswith("$")}


def test_come_back_as_they_were_written(client, room, name):
    twin = name("twin/ü %")
    values = {"temperature": 21, "seats": 4, "label": "Ä, \"quoted\"", "opened": "2024-02-29T12:00:00.1234567+02:00",
              "tags": {"red": True, "a/b~c": False}, "place": {"x": 1.5, "y": -2}, "readings": [1, 2, 3]}
    made = client.upsert_digital_twin(twin, room_twin(room, **values))
    read = client.get_digital_twin(twin)
    assert made == read and read["$dtId"] == twin
    assert {key: read[key] for key in values} == values
    assert list(read)[:2] == ["$dtId", "$etag"] and list(read)[-1] == "$metadata"
    assert read["$metadata"]["$model"] == room["Room"]
    assert set(read["$metadata"]) == {"$model", "$lastUpdateTime"} | set(values)
    moment = read["$metadata"]["temperature"]["lastUpdateTime"]
    assert len(moment) == len("2022-05-26T07:28:48.7212600Z") and moment.endswith("Z")


def test_are_replaced_whole_by_another_put(client, room, name):
    twin = name("t")
    first = client.upsert_digital_twin(twin, room_twin(room, temperature=1, label="old"))
    second = client.upsert_digital_twin(twin, room_twin(room, temperature=2))
    assert "label" not in second and second["temperature"] == 2 and second["$etag"] != first["$etag"]


def test_are_patched_in_order_and_only_where_asked(client, room, name):
    twin = name("t")
    client.upsert_digital_twin(twin, room_twin(room, temperature=1, label="a", place={"x": 1, "y": 1}, tags={"k": True}))
    before = client.get_digital_twin(twin)
    client.update_digital_twin(twin, [
        {"op": "replace", "path": "/temperature", "value": 5}, {"op": "replace", "path": "/place/x", "value": 9},
        {"op": "add", "path": "/tags/a~1b", "value": False}, {"op": "add", "path": "/seats", "value": 3},
        {"op": "replace", "path": "/seats", "value": 4}, {"op": "remove", "path": "/label"}])
    after = client.get_digital_twin(twin)
    assert after["temperature"] == 5 and after["place"] == {"x": 9, "y": 1} and after["seats"] == 4
    assert after["tags"] == {"k": True, "a/b": False} and "label" not in after and "label" not in after["$metadata"]
    assert after["$etag"] != before["$etag"]


def test_keep_the_time_of_what_a_patch_leaves_alone(client, room, name):
    twin = name("t")
    before = client.upsert_digital_twin(twin, room_twin(room, temperature=1, seats=2))
    client.update_digital_twin(twin, [{"op": "replace", "path": "/temperature", "value": 2}])
    after = client.get_digital_twin(twin)["$metadata"]
    assert after["seats"] == before["$metadata"]["seats"]
    assert after["temperature"]["lastUpdateTime"] > before["$metadata"]["temperature"]["lastUpdateTime"]


def test_keep_source_times(client, room, name):
    twin = name("t")
    client.upsert_digital_twin(twin, room_twin(room, temperature=1))
    moment = "2023-01-02T03:04:05Z"
    client.update_digital_twin(twin, [{"op": "add", "path": "/$metadata/temperature/sourceTime", "value": moment}])
    client.update_digital_twin(twin, [{"op": "replace", "path": "/temperature", "value": 2}])
    assert client.get_digital_twin(twin)["$metadata"]["temperature"]["sourceTime"] == moment


@pytest.mark.parametrize("values, words", [
    ({"temperature": "warm"}, "temperature"), ({"seats": 1.5}, "seats"), ({"seats": 1 << 40}, "seats"), ({"nope": 1}, "nope"),
    ({"opened": "yesterday"}, "opened"), ({"tags": {"k": 1}}, "tags"), ({"place": {"z": 1}}, "place"), ({"label": 7}, "label"),
    ({"readings": ["a"]}, "readings"),
])
def test_refuse_what_the_model_does_not_allow(client, room, name, values, words):
    twin = name("t")
    with pytest.raises(HttpResponseError) as error:
        client.upsert_digital_twin(twin, room_twin(room, **values))
    assert error.value.status_code == 400 and error.value.error.code == "ValidationFailed"
    assert any(words in detail.message for detail in error.value.error.details)
    with pytest.raises(ResourceNotFoundError):
        client.get_digital_twin(twin)


@pytest.mark.parametrize("patch", [
    [{"op": "replace", "path": "/seats", "value": 1}, {"op": "replace", "path": "/temperature", "value": "x"}],
    [{"op": "replace", "path": "/seats", "value": 1}, {"op": "move", "path": "/temperature", "from": "/seats"}],
    [{"op": "replace", "path": "/seats", "value": 1}, {"op": "remove", "path": "/label"}],
    [{"op": "replace", "path": "/seats", "value": 1}, {}],
])
def test_are_left_whole_by_a_patch_that_is_refused(client, room, name, patch):
    twin = name("t")
    before = client.upsert_digital_twin(twin, room_twin(room, temperature=1, seats=9))
    with pytest.raises(HttpResponseError) as error:
        client.update_digital_twin(twin, patch)
    assert error.value.status_code == 400
    assert client.get_digital_twin(twin) == before


def test_are_guarded_by_their_tags(client, room, name):
    twin = name("t")
    old = client.upsert_digital_twin(twin, room_twin(room, temperature=1))["$etag"]
    patch = [{"op": "replace", "path": "/temperature", "value": 2}]
    client.update_digital_twin(twin, patch, etag=old, match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceModifiedError) as error:
        client.update_digital_twin(twin, patch, etag=old, match_condition=MatchConditions.IfNotModified)
    assert error.value.status_code == 412 and error.value.error.code == "PreconditionFailed"
    with pytest.raises(ResourceExistsError) as error:
        client.upsert_digital_twin(twin, room_twin(room), match_condition=MatchConditions.IfMissing)
    assert error.value.status_code == 412
    with pytest.raises(ResourceModifiedError):
        client.delete_digital_twin(twin, etag=old, match_condition=MatchConditions.IfNotModified)
    client.update_digital_twin(twin, patch, match_condition=MatchConditions.IfPresent)
    client.delete_digital_twin(twin, match_condition=MatchConditions.IfPresent)
    with pytest.raises(ResourceNotFoundError):
        client.get_digital_twin(twin)


def test_get_another_model_by_a_patch(client, room, name):
    twin = name("t")
    client.upsert_digital_twin(twin, {"$metadata": {"$model": room["Space"]}, "label": "l"})
    client.update_digital_twin(twin, [
        {"op": "replace", "path": "/$metadata/$model", "value": room["Room"]},
        {"op": "add", "path": "/thermostat", "value": {"$metadata": {}}}])
    read = client.get_digital_twin(twin)
    assert read["$metadata"]["$model"] == room["Room"] and read["label"] == "l"


def test_outlive_their_model_but_cannot_be_written(client, room, name):
    twin = name("t")
    client.upsert_digital_twin(twin, {"$metadata": {"$model": room["Floor"]}})
    client.delete_model(room["Floor"])
    assert client.get_digital_twin(twin)["$metadata"]["$model"] == room["Floor"]
    with pytest.raises(HttpResponseError) as error:
        client.update_digital_twin(twin, [{"op": "add", "path": "/label", "value": "x"}])
    assert error.value.status_code == 400
    client.delete_digital_twin(twin)


def test_that_are_not_there_are_not_found(client, name):
    for call in (client.get_digital_twin, client.delete_digital_twin):
        with pytest.raises(ResourceNotFoundError) as error:
            call(name("none"))
        assert error.value.error.code == "DigitalTwinNotFound"


def test_have_components_that_are_read_and_patched(client, room, name):
    twin = name("t")
    before = client.upsert_digital_twin(twin, room_twin(room))
    assert set(before["thermostat"]) == {"$metadata"} and set(before["thermostat"]["$metadata"]) <= {"$lastUpdateTime"}
    client.update_component(twin, "thermostat", [{"op": "add", "path": "/setPoint", "value": 21.5}])
    component = client.get_component(twin, "thermostat")
    after = client.get_digital_twin(twin)
    assert component["setPoint"] == 21.5 and "$dtId" not in component and after["thermostat"] == component
    assert after["$etag"] != before["$etag"]
    with pytest.raises(ResourceModifiedError):
        client.update_component(twin, "thermostat", [], etag=before["$etag"], match_condition=MatchConditions.IfNotModified)
    with pytest.raises(ResourceNotFoundError) as error:
        client.get_component(twin, "boiler")
    assert error.value.error.code == "ComponentNotFound"
    with pytest.raises(HttpResponseError) as error:
        client.update_component(twin, "boiler", [{"op": "replace", "path": "/x", "value": 1}])
    assert error.value.status_code == 400 and error.value.error.code == "JsonPatchInvalid"


def test_take_telemetry_that_no_model_declares(client, room, name):
    twin = name("t")
    before = client.upsert_digital_twin(twin, room_twin(room))
    client.publish_telemetry(twin, {"anything": 1})
    client.publish_component_telemetry(twin, "thermostat", {"heat": 3}, message_id="m")
    assert client.get_digital_twin(twin) == before
    with pytest.raises(ResourceNotFoundError):
        client.publish_telemetry(name("none"), {"x": 1})
    with pytest.raises(ResourceNotFoundError) as error:
        client.publish_component_telemetry(twin, "boiler", {"x": 1})
    assert error.value.error.code == "ComponentNotFound"
