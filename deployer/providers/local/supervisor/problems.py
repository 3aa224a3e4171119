"""Why a container cannot be started now, in Kubernetes' own words."""

__all__ = ["ContainerError"]


class ContainerError(Exception):
    """The container waits: ``reason`` as the kubelet names it, ``message`` for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
