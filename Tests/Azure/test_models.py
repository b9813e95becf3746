"""Models: what is uploaded is read back, lists page, and what others need stays."""
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from conftest import interface


def code(error):
    return error.value.error.code


def test_come_back_as_they_were_sent(client, name):
    model = interface(f"dtmi:test:{name('M')};1", [{"@type": "Property", "name": "p", "schema": "string"}], displayName="A room",
                      description={"en": "One", "de": "Eins"})
    [made] = client.create_models([model])
    assert made.id == model["@id"] and made.model is None and made.decommissioned is False
    read = client.get_model(model["@id"], include_model_definition=True)
    assert read.model == model
    assert read.display_name == {"en": "A room"} and read.description == {"en": "One", "de": "Eins"}
    assert client.get_model(model["@id"]).model is None


def test_are_stored_all_or_none(client, name):
    good, bad = interface(f"dtmi:test:{name('G')};1"), interface(f"dtmi:test:{name('B')};1", extends="dtmi:test:Nowhere;1")
    with pytest.raises(HttpResponseError) as error:
        client.create_models([good, bad])
    assert error.value.status_code == 400 and code(error) == "DTDLParserError"
    with pytest.raises(ResourceNotFoundError):
        client.get_model(good["@id"])


def test_cannot_be_uploaded_twice(client, name):
    model = interface(f"dtmi:test:{name('M')};1")
    client.create_models([model])
    with pytest.raises(ResourceExistsError) as error:
        client.create_models([model])
    assert error.value.status_code == 409 and code(error) == "ModelIdAlreadyExists" and model["@id"] in error.value.message


def test_are_listed_a_page_at_a_time_each_once(client, name):
    mine = {f"dtmi:test:{name('L')};1" for _ in range(7)}
    client.create_models([interface(model) for model in sorted(mine)])
    pages = [list(page) for page in client.list_models(headers={"max-items-per-page": "2"}).by_page()]
    assert all(len(page) <= 2 for page in pages) and len(pages) >= 4
    seen = [model.id for page in pages for model in page]
    assert len(seen) == len(set(seen)) and mine <= set(seen)


def test_list_what_they_need(client, room):
    found = {model.id for model in client.list_models(dependencies_for=[room["Room"]], include_model_definition=True)}
    assert found == {room["Room"], room["Space"], room["Thermostat"]}
    with pytest.raises(HttpResponseError) as error:
        list(client.list_models(dependencies_for=["dtmi:test:Nowhere;1"]))
    assert error.value.status_code == 404 and code(error) == "ModelNotFound"


def test_that_others_need_are_not_deleted(client, room):
    with pytest.raises(ResourceExistsError) as error:
        client.delete_model(room["Thermostat"])
    assert code(error) == "ModelReferencesNotDeleted"
    client.delete_model(room["Room"])
    client.delete_model(room["Thermostat"])
    with pytest.raises(ResourceNotFoundError):
        client.get_model(room["Thermostat"])


def test_decommissioned_take_no_new_twins(client, room, name):
    client.upsert_digital_twin(name("t"), {"$metadata": {"$model": room["Floor"]}})
    client.decommission_model(room["Floor"])
    assert client.get_model(room["Floor"]).decommissioned is True
    with pytest.raises(HttpResponseError) as error:
        client.upsert_digital_twin(name("t"), {"$metadata": {"$model": room["Floor"]}})
    assert error.value.status_code == 400 and code(error) == "ModelDecommissioned"


@pytest.mark.parametrize("models", [[], [{}], [{"@id": "dtmi:no-good;1"}]])
def test_that_are_none_are_refused(client, models):
    with pytest.raises(HttpResponseError) as error:
        client.create_models(models)
    assert error.value.status_code == 400
