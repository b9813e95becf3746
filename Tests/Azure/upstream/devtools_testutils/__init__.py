"""Stands in for the module of that name in Azure's repository: clients that talk to the daemon at $TWINDROP_URL."""
import os
import time
import uuid

from azure.core.credentials import AccessToken
from azure.core.pipeline.policies import SansIOHTTPPolicy

TOKEN, CERTIFICATE = os.environ.get("TWINDROP_TOKEN", "local"), os.environ.get("TWINDROP_CERTIFICATE")


class Bearer(SansIOHTTPPolicy):
    """Over plain http, where the SDK's own policy refuses to send a token."""

    def on_request(self, request): request.http_request.headers["Authorization"] = "Bearer " + TOKEN


class Credential:
    def get_token(self, *scopes, **options): return AccessToken(TOKEN, int(time.time()) + 86400)


class AsyncCredential(Credential):
    async def get_token(self, *scopes, **options): return super().get_token(*scopes, **options)
    async def close(self): pass
    async def __aenter__(self): return self
    async def __aexit__(self, *error): pass


class AzureRecordedTestCase:
    is_live = False

    def get_credential(self, client_class, **options): return AsyncCredential() if options.get("is_async") else Credential()

    def create_client_from_credential(self, client_class, credential, endpoint, **options):
        way = {"connection_verify": CERTIFICATE} if CERTIFICATE else {"authentication_policy": Bearer()}
        return client_class(endpoint, credential, **way, **options)

    def create_random_name(self, prefix): return prefix + uuid.uuid4().hex[:12]
    def get_resource_name(self, name): return name
