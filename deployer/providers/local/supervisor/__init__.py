"""The process that runs a local cluster: Deployments as processes, Services as forwarders.

One process, one thread, asyncio. It reads the objects from the cluster's folder, makes the pods
what they say, and writes statuses. It never writes an object. Its pods never outlive it.
"""
