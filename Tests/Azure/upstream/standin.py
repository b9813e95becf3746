"""A plugin for pytest: the fixtures that the SDK's own tests expect of Azure's test proxy, which is not there."""
import asyncio
import inspect
import os

import pytest


class Variables(dict):
    def sanitize_batch(self, mapping): pass


@pytest.fixture(scope="session")
def test_proxy(): yield


@pytest.fixture(scope="session")
def environment_variables(): return Variables({"AZURE_DIGITALTWINS_URL": os.environ["TWINDROP_URL"]})


@pytest.fixture
def recorded_test(): yield


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs asynchronous tests, for which Azure's tools have a plugin."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj): return None
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}))
    return True
