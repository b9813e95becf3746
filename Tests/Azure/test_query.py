"""The query language over HTTP, clause by clause, on a small graph that each row of the tables can be checked against by eye."""
import json

import pytest
from conftest import interface
from test_wire import error_code, send

# Rooms r0 … r4 with n = 0 … 4, r5 without values, big (extends Room, label it's), v2 (Room;2); r0 -near-> r1 … r4, r0 -any-> r3.
ROOMS = ["r0", "r1", "r2", "r3", "r4", "r5"]


@pytest.fixture(scope="module")
def graph(client):
    """Puts the graph in, under names that this module alone uses; gives what turns a short id into the real one."""
    contents = [{"@type": "Property", "name": name, "schema": schema} for name, schema in (
        ("temperature", "double"), ("label", "string"), ("n", "integer"), ("b", "boolean"), ("since", "date"),
        ("arr", {"@type": "Array", "elementSchema": "integer"}),
        ("map", {"@type": "Map", "mapKey": {"name": "k", "schema": "string"}, "mapValue": {"name": "v", "schema": "string"}}),
        ("obj", {"@type": "Object", "fields": [{"name": "a", "schema": "string"}]}))]
    contents += [
        {"@type": "Relationship", "name": "near", "properties": [{"@type": "Property", "name": "dist", "schema": "double"}]},
        {"@type": "Relationship", "name": "any"}, {"@type": "Component", "name": "th", "schema": "dtmi:q:Thermo;1"}]
    client.create_models([
        interface("dtmi:q:Thermo;1", [{"@type": "Property", "name": "setPoint", "schema": "double"}]),
        interface("dtmi:q:Room;1", contents), interface("dtmi:q:Room;2"), interface("dtmi:q:Big;1", extends="dtmi:q:Room;1")])

    def put(id, model, **values):
        part = {} if model == "dtmi:q:Room;2" else {"th": {"$metadata": {}}}
        client.upsert_digital_twin("q-" + id, {"$metadata": {"$model": model}, **part, **values})

    for n in range(5):
        put(f"r{n}", "dtmi:q:Room;1", temperature=n * 10, label=f"L{n}", n=n, b=n % 2 == 0, arr=[n, 2], since=f"202{n}-01-01",
            map={"1abc": "x", "order": "y"}, obj={"a": f"a{n}"}, th={"$metadata": {}, "setPoint": n})
    put("r5", "dtmi:q:Room;1")
    put("big", "dtmi:q:Big;1", label="it's")
    put("v2", "dtmi:q:Room;2")
    for n in range(4):
        client.upsert_relationship(f"q-r{n}", f"e{n}", {"$targetId": f"q-r{n + 1}", "$relationshipName": "near", "dist": n + 0.5})
    client.upsert_relationship("q-r0", "a", {"$targetId": "q-r3", "$relationshipName": "any"})
    return client


def ids(rows, member="$dtId"): return [row[member].removeprefix("q-") for row in rows]


@pytest.mark.parametrize("condition, expected", [
    ("T.temperature > 20", ["r3", "r4"]), ("T.temperature >= 20 AND T.b = true", ["r2", "r4"]), ("T.n < 1", ["r0"]),
    ("T.n <= 1", ["r0", "r1"]), ("T.n != 1", ["r0", "r2", "r3", "r4"]), ("NOT T.n = 1", ["r0", "r2", "r3", "r4"]),
    ("T.n = 1.0", ["r1"]), ("10 = T.temperature", ["r1"]), ("T.b", ["r0", "r2", "r4"]), ("NOT T.b", ["r1", "r3"]),
    ("T.n = '1'", []), ("T.b = 1", []), ("T.label > 'L2' AND T.label < 'M'", ["r3", "r4"]), ("T.since >= '2023-01-01'", ["r3", "r4"]),
    ("T.label = 'L1' OR T.label = 'L2' AND T.n = 1", ["r1"]), ("(T.label = 'L1' OR T.label = 'L2') AND T.n = 2", ["r2"]),
    ("NOT (T.n = 1 OR T.n = 2)", ["r0", "r3", "r4"]), ("T.nothing = 1", []), ("NOT T.nothing = 1", []), ("X.n = 1", []),
    ("T.label IN ['L1', 'L2']", ["r1", "r2"]), ("T.n in [1, 2.0, '3']", ["r1", "r2"]),
    ("T.label NIN ['L0', 'L1', 'L2']", ["r3", "r4", "big"]), ("T.label = 'it\\'s'", ["big"]), ('T.label = "it\'s"', ["big"]),
    ("STARTSWITH(T.label, 'L')", ROOMS[:5]), ("startswith(T.label, 'l')", []), ("ENDSWITH(T.label, '3')", ["r3"]),
    ("CONTAINS(T.label, '4')", ["r4"]), ("IS_DEFINED(T.label)", [*ROOMS[:5], "big"]), ("NOT IS_DEFINED(T.label)", ["r5", "v2"]),
    ("IS_DEFINED(T.map.[[order]])", ROOMS[:5]), ("T.map.[[1abc]] = 'x' AND T.n = 3", ["r3"]), ("T.obj.a = 'a1'", ["r1"]),
    ("T.th.setPoint = 3", ["r3"]), ("IS_NUMBER(T.n) AND T.n = 0", ["r0"]), ("IS_STRING(T.n)", []), ("IS_BOOL(T.b) AND T.n = 0", ["r0"]),
    ("IS_OBJECT(T.obj) AND T.n = 0", ["r0"]), ("IS_OBJECT(T.arr)", []), ("IS_PRIMITIVE(T.n) AND T.n = 0", ["r0"]),
    ("IS_PRIMITIVE(T.arr)", []), ("IS_NULL(T.n)", []), ("ARRAY_CONTAINS(T.arr, 3)", ["r3"]), ("ARRAY_CONTAINS(T.arr, '3')", []),
    ("IS_OF_MODEL(T, 'dtmi:q:Room;1')", [*ROOMS, "big", "v2"]), ("IS_OF_MODEL(T, 'dtmi:q:Room;1', exact)", ROOMS),
    ("IS_OF_MODEL('dtmi:q:Big;1')", ["big"]), ("IS_OF_MODEL(T, 'dtmi:q:Room;2')", ["v2"]), ("IS_OF_MODEL(T, 'dtmi:q:None;1')", []),
    ("T.$metadata.$model = 'dtmi:q:Room;2'", ["v2"]), ("T.$metadata.label.lastUpdateTime > '2020' AND T.n = 1", ["r1"]),
])
def test_conditions(graph, condition, expected):
    scope = "AND (IS_OF_MODEL(T, 'dtmi:q:Room;1'))" if "IS_OF_MODEL" not in condition else ""
    assert ids(graph.query_twins(f"SELECT T.$dtId FROM DIGITALTWINS T WHERE ({condition}) {scope}")) == expected


@pytest.mark.parametrize("query, expected", [
    ("SELECT T.label, T.n FROM DIGITALTWINS T WHERE T.$dtId = 'q-r1'", [{"label": "L1", "n": 1}]),
    ("SELECT T.label AS a, T.obj.a AS b FROM DIGITALTWINS T WHERE T.$dtId = 'q-r1'", [{"a": "L1", "b": "a1"}]),
    ("SELECT label, nothing FROM digitaltwins WHERE $dtId = 'q-r1'", [{"label": "L1"}]),
    ("SELECT T.label FROM DIGITALTWINS T WHERE T.$dtId = 'q-r5'", [{}]),
    ("SELECT T.arr, T.map, T.obj FROM DIGITALTWINS T WHERE T.$dtId = 'q-r1'",
     [{"arr": [1, 2], "map": {"1abc": "x", "order": "y"}, "obj": {"a": "a1"}}]),
    ("SELECT COUNT() FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, 'dtmi:q:Room;1')", [{"COUNT": 8}]),
    ("SELECT COUNT() FROM RELATIONSHIPS R WHERE R.$targetId = 'q-r3'", [{"COUNT": 2}]),
    ("select top(2) $dtId from digitaltwins where is_of_model('dtmi:q:Room;1', exact)", [{"$dtId": "q-r0"}, {"$dtId": "q-r1"}]),
    ("SELECT R.$sourceId, R.$targetId, R.dist FROM RELATIONSHIPS R WHERE R.$relationshipName = 'near' AND R.dist > 3",
     [{"$sourceId": "q-r3", "$targetId": "q-r4", "dist": 3.5}]),
    ("SELECT A.$dtId, B.$dtId AS b, R.dist FROM DIGITALTWINS A JOIN B RELATED A.near R WHERE A.$dtId = 'q-r0'",
     [{"$dtId": "q-r0", "b": "q-r1", "dist": 0.5}]),
])
def test_projections(graph, query, expected):
    assert list(graph.query_twins(query)) == expected


def test_whole_documents_are_those_of_their_get(graph):
    twin = graph.get_digital_twin("q-r1")
    assert list(graph.query_twins("SELECT * FROM DIGITALTWINS WHERE $dtId = 'q-r1'")) == [twin]
    assert list(graph.query_twins("SELECT TOP(1) FROM DIGITALTWINS WHERE $dtId = 'q-r1'")) == [twin]
    assert list(graph.query_twins("SELECT T FROM DIGITALTWINS T WHERE T.$dtId = 'q-r1'")) == [{"T": twin}]
    edge = graph.get_relationship("q-r0", "e0")
    assert list(graph.query_twins("SELECT * FROM RELATIONSHIPS WHERE $sourceId = 'q-r0' AND $relationshipId = 'e0'")) == [edge]
    [row] = graph.query_twins("SELECT R, B FROM DIGITALTWINS MATCH (A)-[R:near]->(B) WHERE A.$dtId = 'q-r0'")
    assert row == {"R": edge, "B": twin}


@pytest.mark.parametrize("pattern, start, expected", [
    ("(A)-[:near]->(B)", "r0", ["r1"]), ("(A)<-[:near]-(B)", "r1", ["r0"]), ("(A)-[:near]-(B)", "r1", ["r0", "r2"]),
    ("(A)-[]->(B)", "r0", ["r1", "r3"]), ("(A)<-[:near|any]-(B)", "r3", ["r0", "r2"]), ("(A)-[:near*3]->(B)", "r0", ["r3"]),
    ("(A)-[:near*1..3]->(B)", "r0", ["r2", "r3"]), ("(A)-[:near*..2]->(B)", "r0", ["r1", "r2"]), ("(A)-[*2]->(B)", "r0", ["r2", "r4"]),
    ("(A)-[:near]->()-[:near]->(B)", "r0", ["r2"]), ("(A)-[:any]->(B)<-[:near]-(C)", "r0", ["r3"]),
])
def test_paths(graph, pattern, start, expected):
    rows = graph.query_twins(f"SELECT B.$dtId FROM DIGITALTWINS MATCH {pattern} WHERE A.$dtId = 'q-{start}'")
    assert sorted(ids(rows)) == expected


@pytest.mark.parametrize("joins, expected", [
    ("JOIN B RELATED A.near", ["r1"]), ("JOIN X RELATED A.near JOIN B RELATED X.near", ["r2"]),
    ("JOIN X RELATED A.near JOIN Y RELATED X.near JOIN Z RELATED Y.near JOIN B RELATED Z.near", ["r4"]),
    ("JOIN B RELATED A.any", ["r3"]), ("JOIN B RELATED A.nothing", []),
])
def test_joins(graph, joins, expected):
    assert ids(graph.query_twins(f"SELECT B.$dtId FROM DIGITALTWINS A {joins} WHERE A.$dtId = 'q-r0'")) == expected


def test_joins_start_at_either_end(graph):
    assert ids(graph.query_twins("SELECT A.$dtId FROM DIGITALTWINS A JOIN B RELATED A.near WHERE B.$dtId = 'q-r1'")) == ["r0"]


WRONG = [
    "", "SELECT", "INSERT INTO x", "SELECT * FROM", "SELECT * FROM foo", "SELECT * FROM DIGITALTWINS;", "SELECT *, n FROM DIGITALTWINS",
    "SELECT * FROM DIGITALTWINS ORDER BY n", "SELECT n FROM DIGITALTWINS GROUP BY n", "SELECT DISTINCT n FROM DIGITALTWINS",
    "SELECT SUM(n) FROM DIGITALTWINS", "SELECT COUNT(*) FROM DIGITALTWINS", "SELECT TOP 2 * FROM DIGITALTWINS",
    "SELECT TOP(-1) FROM DIGITALTWINS", "SELECT * FROM (SELECT * FROM DIGITALTWINS)", "SELECT * FROM DIGITALTWINS WHERE",
    "SELECT * FROM DIGITALTWINS WHERE n = ", "SELECT * FROM DIGITALTWINS WHERE n = 1 + 1", "SELECT * FROM DIGITALTWINS WHERE n = 'x",
    "SELECT * FROM DIGITALTWINS WHERE (n = 1", "SELECT * FROM DIGITALTWINS WHERE n IN []", "SELECT * FROM DIGITALTWINS WHERE n LIKE 'x'",
    "SELECT * FROM DIGITALTWINS WHERE UPPER(n) = 'x'",
    "SELECT * FROM DIGITALTWINS WHERE map.1abc = 'y'", "SELECT * FROM DIGITALTWINS A JOIN B RELATED A.near WHERE A.$dtId = 'x'",
    "SELECT B FROM DIGITALTWINS A JOIN B RELATED A.near", "SELECT B FROM DIGITALTWINS MATCH (A)-[:near]->(B)",
    "SELECT B FROM RELATIONSHIPS A JOIN B RELATED A.near WHERE A.$dtId = 'x'",
    "SELECT B FROM DIGITALTWINS MATCH (A)-[:near*11]->(B) WHERE A.$dtId = 'x'",
    "SELECT B FROM DIGITALTWINS MATCH (A)-[R:near*2]->(B) WHERE A.$dtId = 'x'",
    "SELECT * FROM DIGITALTWINS WHERE n = 1" + " OR n = 1" * 51, "SELECT * FROM DIGITALTWINS WHERE label = '" + "x" * 8000 + "'",
    "SELECT * FROM DIGITALTWINS WHERE n IN [" + ", ".join(map(str, range(101))) + "]",
    "SELECT G FROM DIGITALTWINS A" + "".join(f" JOIN {b} RELATED {a}.near" for a, b in zip("ABCDEF", "BCDEFG")) + " WHERE A.$dtId = 'x'",
]


@pytest.mark.parametrize("query", WRONG)
def test_what_is_no_query_is_refused_and_says_where(daemon, query):
    answer = send(daemon, "POST", "/query", {"query": query})
    assert error_code(answer) == (400, "SqlQueryError")
    message = json.loads(answer[2])["error"]["message"]
    assert message.startswith("SQL query parse failed: SQL Parser Error, Line=") and "Position=" in message


def test_pages_go_on_where_they_stopped_without_the_query(daemon, graph):
    query = {"query": "SELECT TOP(7) $dtId FROM DIGITALTWINS WHERE IS_OF_MODEL('dtmi:q:Room;1')"}
    seen, body = [], query
    while True:
        status, headers, text = send(daemon, "POST", "/query", body, {"max-items-per-page": "3"})
        page = json.loads(text)
        assert status == 200 and len(page["value"]) <= 3 and float(headers["query-charge"]) > 0
        seen += ids(page["value"])
        if page["continuationToken"] is None: break
        body = {"continuationToken": page["continuationToken"]}
    assert seen == [*ROOMS, "big"]
    for token in ("nonsense", "", page):
        assert error_code(send(daemon, "POST", "/query", {"continuationToken": token}))[0] == 400
    for body in ({}, {"query": None}): assert error_code(send(daemon, "POST", "/query", body)) == (400, "BadRequest")
