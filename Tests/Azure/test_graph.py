"""Relationships, queries, event routes."""
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.digitaltwins.core import DigitalTwinsEventRoute
from conftest import room_twin


@pytest.fixture
def floor(client, room, name):
    """A floor and three rooms; their ids, the floor's first."""
    ids = [name("floor")] + [name("room") for _ in range(3)]
    client.upsert_digital_twin(ids[0], {"$metadata": {"$model": room["Floor"]}})
    for index, twin in enumerate(ids[1:]):
        client.upsert_digital_twin(twin, room_twin(room, seats=index, label=f"L{index}"))
    return ids


def has(target, **properties):
    return {"$targetId": target, "$relationshipName": "has", **properties}


def test_relationships_come_back_as_they_were_written(client, floor):
    made = client.upsert_relationship(floor[0], "r/1", has(floor[1], since="2024-01-31"))
    read = client.get_relationship(floor[0], "r/1")
    assert made == read
    assert list(read) == ["$relationshipId", "$etag", "$sourceId", "$relationshipName", "$targetId", "since"]
    assert (read["$sourceId"], read["$targetId"], read["since"]) == (floor[0], floor[1], "2024-01-31")
    client.update_relationship(floor[0], "r/1", [{"op": "replace", "path": "/since", "value": "2024-02-29"}])
    after = client.get_relationship(floor[0], "r/1")
    assert after["since"] == "2024-02-29" and after["$etag"] != read["$etag"]


def test_relationship_bodies_may_name_other_ids(client, floor):
    body = has(floor[1], **{"$relationshipId": None, "$sourceId": "elsewhere", "$etag": None})
    assert client.upsert_relationship(floor[0], "mine", body)["$sourceId"] == floor[0]


@pytest.mark.parametrize("body, status, code", [
    ({}, 400, "InvalidArgument"), ({"$targetId": "x"}, 400, "InvalidArgument"),
    ({"$targetId": "nobody-here", "$relationshipName": "has"}, 404, "TargetDigitalTwinNotFound"),
])
def test_relationships_that_cannot_be_are_refused(client, floor, body, status, code):
    with pytest.raises(HttpResponseError) as error:
        client.upsert_relationship(floor[0], "r", body)
    assert error.value.status_code == status and error.value.error.code == code


def test_relationships_follow_their_model(client, floor):
    for body in (has(floor[1], **{"$relationshipName": "owns"}), has(floor[1], since="soon"), has(floor[1], until="2024-01-01"),
                 has(floor[0])):
        with pytest.raises(HttpResponseError) as error:
            client.upsert_relationship(floor[0], "r", body)
        assert error.value.status_code == 400
        assert error.value.error.code in ("InvalidRelationship", "ValidationFailed", "OperationNotAllowed")


def test_relationships_are_listed_by_name_and_page(client, daemon, floor):
    for index in range(25):
        client.upsert_relationship(floor[0], f"r{index}", has(floor[1 + index % 3]))
    found = list(client.list_relationships(floor[0]))
    assert len(found) == 25 and len({one["$relationshipId"] for one in found}) == 25
    assert len([list(page) for page in client.list_relationships(floor[0]).by_page()]) == 3
    assert len(list(client.list_relationships(floor[0], relationship_id="has"))) == 25
    assert list(client.list_relationships(floor[0], relationship_id="r1")) == []
    incoming = list(client.list_incoming_relationships(floor[1]))
    assert len(incoming) == 9 and {one.source_id for one in incoming} == {floor[0]}
    assert all(one.relationship_link.startswith(daemon.url + "/digitaltwins/") for one in incoming)


def test_relationships_hold_twins_and_are_guarded(client, floor):
    old = client.upsert_relationship(floor[0], "r", has(floor[1]))["$etag"]
    with pytest.raises(HttpResponseError) as error:
        client.delete_digital_twin(floor[1])
    assert error.value.status_code == 400 and error.value.error.code == "RelationshipsNotDeleted"
    with pytest.raises(ResourceExistsError):
        client.upsert_relationship(floor[0], "r", has(floor[2]), match_condition=MatchConditions.IfMissing)
    client.update_relationship(floor[0], "r", [{"op": "add", "path": "/since", "value": "2024-01-01"}])
    with pytest.raises(ResourceModifiedError):
        client.delete_relationship(floor[0], "r", etag=old, match_condition=MatchConditions.IfNotModified)
    client.delete_relationship(floor[0], "r")
    client.delete_digital_twin(floor[1])
    with pytest.raises(ResourceNotFoundError) as error:
        client.get_relationship(floor[0], "r")
    assert error.value.error.code == "RelationshipNotFound"


def test_queries_see_what_was_just_written(client, room, floor):
    rows = list(client.query_twins(f"SELECT * FROM digitaltwins WHERE $dtId = '{floor[2]}'"))
    assert rows == [client.get_digital_twin(floor[2])]
    client.update_digital_twin(floor[2], [{"op": "replace", "path": "/seats", "value": 77}])
    [row] = client.query_twins(f"SELECT T.seats AS s FROM digitaltwins T WHERE IS_OF_MODEL(T, '{room['Space']}') AND T.seats > 50")
    assert row == {"s": 77}
    [count] = client.query_twins(f"SELECT COUNT() FROM digitaltwins WHERE IS_OF_MODEL('{room['Room']}', exact)")
    assert count == {"COUNT": 3}


def test_queries_follow_relationships(client, floor):
    for index, twin in enumerate(floor[1:]):
        client.upsert_relationship(floor[0], f"r{index}", has(twin))
    query = f"SELECT B.$dtId FROM digitaltwins A JOIN B RELATED A.has WHERE A.$dtId = '{floor[0]}' AND B.seats >= 1"
    assert {row["$dtId"] for row in client.query_twins(query)} == set(floor[2:])


def test_queries_page_without_loss(client, room, name):
    twins = {name("p") for _ in range(23)}
    for twin in twins:
        client.upsert_digital_twin(twin, room_twin(room))
    query = f"SELECT $dtId FROM digitaltwins WHERE IS_OF_MODEL('{room['Room']}')"
    pages = [list(page) for page in client.query_twins(query, headers={"max-items-per-page": "5"}).by_page()]
    assert all(len(page) <= 5 for page in pages)
    seen = [row["$dtId"] for page in pages for row in page]
    assert len(seen) == 23 and set(seen) == twins


@pytest.mark.parametrize("query", ["", "SELECT", "SELECT * FROM nowhere", "SELECT * FROM digitaltwins WHERE", "DROP TABLE twin"])
def test_queries_that_are_none_are_refused(client, query):
    with pytest.raises(HttpResponseError) as error:
        list(client.query_twins(query))
    assert error.value.status_code == 400 and error.value.error.code in ("SqlQueryError", "BadRequest")


def test_event_routes_are_kept(client, name):
    route = name("route")
    client.upsert_event_route(route, DigitalTwinsEventRoute(endpoint_name="audit", filter="type = 'a' OR $body.x > 3"))
    read = client.get_event_route(route)
    assert (read.id, read.endpoint_name, read.filter) == (route, "audit", "type = 'a' OR $body.x > 3")
    assert route in [one.id for one in client.list_event_routes(headers={"max-items-per-page": "1"})]
    for endpoint, text, code in [("nowhere", "true", "EventRouteEndpointInvalid"), ("audit", "type =", "EventRouteFilterInvalid")]:
        with pytest.raises(HttpResponseError) as error:
            client.upsert_event_route(name("r"), DigitalTwinsEventRoute(endpoint_name=endpoint, filter=text))
        assert error.value.status_code == 400 and error.value.error.code == code
    client.delete_event_route(route)
    with pytest.raises(ResourceNotFoundError) as error:
        client.get_event_route(route)
    assert error.value.error.code == "EventRouteNotFound"
