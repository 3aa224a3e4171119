"""Sending predictions to healthy targets from Python, without a router in between.

The same health, policy, retries and budget as the router's: an answer that the router would have
got, a program gets here. Answers come whole; who wants them as a stream asks a router.

    with Client(follow_backends("aws=http://10.0.0.1:8080,weight=60", "gcp=http://…")) as client:
        answer = client.post_json("/v2/models/iris/infer", {"inputs": […]})
"""

from deployer.client.answer import Answer
from deployer.client.async_client import AsyncClient
from deployer.client.sources import follow_backends, follow_file, follow_spec
from deployer.client.sync_client import Client

__all__ = ["Answer", "AsyncClient", "Client", "follow_backends", "follow_file", "follow_spec"]
