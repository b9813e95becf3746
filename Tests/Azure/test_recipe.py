"""The Python that docs/twin-api.md shows does what it says there: over plain http, with the asynchronous client, over TLS."""
import asyncio
import pathlib
import re

import pytest
from conftest import Credential, Daemon, guarded, interface

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs/twin-api.md"


def blocks():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.S | re.M)


def test_over_plain_http():
    daemon = Daemon()
    try:
        names = {}
        exec(blocks()[0].replace("http://127.0.0.1:7077", daemon.url), names)
        client = names["client"]
        client.create_models([interface("dtmi:test:T;1")])
        client.upsert_digital_twin("t", {"$metadata": {"$model": "dtmi:test:T;1"}})
        assert [row["$dtId"] for row in client.query_twins("SELECT * FROM digitaltwins")] == ["t"]

        from azure.digitaltwins.core.aio import DigitalTwinsClient

        class Waiting(names["LocalToken"]):
            async def get_token(self, *scopes, **options): return super().get_token(*scopes, **options)
            async def close(self): pass

        async def read():
            async with DigitalTwinsClient(daemon.url, Waiting(), authentication_policy=names["PlainBearer"]()) as client:
                return (await client.get_digital_twin("t"))["$dtId"]

        assert asyncio.run(read()) == "t"
    finally:
        daemon.stop()


def test_over_tls_with_a_token():
    daemon = guarded()
    try:
        names = {"credential": Credential(daemon.token)}
        text = blocks()[1].replace("https://127.0.0.1:7077", daemon.url).replace(
            '"certificate.pem"', repr(str(daemon.home / "cert.pem")))
        exec(text, names)
        assert list(names["client"].list_models()) == []
    finally:
        daemon.stop()


@pytest.mark.parametrize("member", ["import_jobs", "delete_jobs"])
def test_jobs_are_where_the_page_says(member):
    assert f"client._client.{member}" in PAGE.read_text()
    daemon = Daemon()
    try: assert list(getattr(daemon.client()._client, member).list()) == []
    finally: daemon.stop()
