"""The router: health and policy are pure, the data plane is asyncio."""
