"""A Terraform provider that is its schema alone: no network, no cloud.

It stands in where a build machine cannot reach the registry. Terraform itself checks names, types,
references and blocks against the schema; what a cloud would compute is made up. It is
started as provider.py NAME VERSION; DERIVED_SCHEMAS names the folder with NAME-VERSION.json,
DERIVED_ANSWERS a JSON file with what data sources and resources compute.
"""

import base64
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent import futures
from functools import cache
from pathlib import Path
from typing import Any

import grpc
import msgpack
from tf.gen import grpc_controller_pb2, grpc_controller_pb2_grpc, grpc_stdio_pb2_grpc
from tf.gen import tfplugin_pb2 as pb
from tf.gen import tfplugin_pb2_grpc as rpc
from tf.runner import _self_signed_cert

__all__ = ["Provider"]

_UNKNOWN = msgpack.ExtType(0, b"\x00")

Block = dict[str, Any]


def _name() -> tuple[str, str]:
    name, version = sys.argv[1:3]
    return name, version


@cache
def _schema() -> dict[str, Any]:
    name, version = _name()
    path = Path(os.environ["DERIVED_SCHEMAS"], f"{name}-{version}.json")
    schema: dict[str, Any] = json.loads(path.read_text())
    return schema


@cache
def _answers() -> dict[str, Any]:
    path = os.environ.get("DERIVED_ANSWERS")
    answers: dict[str, Any] = json.loads(Path(path).read_text()) if path else {}
    return answers


def _message(block: Block) -> Any:
    attributes = [
        pb.Schema.Attribute(
            name=name,
            type=json.dumps(attribute["type"]).encode(),
            required=attribute["required"],
            optional=attribute["optional"],
            computed=attribute["computed"],
        )
        for name, attribute in sorted(block["attributes"].items())
    ]
    nested = [
        pb.Schema.NestedBlock(
            type_name=name,
            block=_message(inner["block"]),
            nesting=pb.Schema.NestedBlock.NestingMode.Value(inner["nesting"]),
            min_items=inner["min_items"],
            max_items=inner["max_items"],
        )
        for name, inner in sorted(block["block_types"].items())
    ]
    return pb.Schema.Block(attributes=attributes, block_types=nested)


def _whole_schema() -> bytes:
    """Return the answer to GetProviderSchema; building it takes a second, so it is kept."""
    name, version = _name()
    kept = Path(os.environ["DERIVED_SCHEMAS"], f"{name}-{version}.pb")
    if kept.exists():
        return kept.read_bytes()

    def versioned(blocks: dict[str, Block]) -> dict[str, Any]:
        return {key: pb.Schema(version=0, block=_message(b)) for key, b in blocks.items()}

    schema = _schema()
    content: bytes = pb.GetProviderSchema.Response(
        provider=pb.Schema(version=0, block=_message(schema["provider"])),
        resource_schemas=versioned(schema["resources"]),
        data_source_schemas=versioned(schema["data"]),
    ).SerializeToString()
    fresh = kept.with_suffix(f".{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(kept)
    return content


def _pack(value: Any) -> Any:
    return pb.DynamicValue(msgpack=msgpack.packb(value, use_bin_type=True))


def _unpack(value: Any) -> Any:
    if not value.msgpack:
        return None
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)


def _invent(of_type: Any, path: str) -> Any:
    """Return a value of a type; strings say where they come from."""
    simple = {"string": f"made-up-{path}", "number": 1, "bool": False}
    if isinstance(of_type, str):
        return simple.get(of_type, [b'"string"', "made-up"])
    kind, inner = of_type
    if kind == "object":
        return {key: _invent(member, f"{path}.{key}") for key, member in inner.items()}
    if kind == "map":
        return {}
    return [_invent(inner, path)] if isinstance(inner, list) and inner[0] == "object" else []


def _is_unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def _plan(block: Block, value: Block | None) -> Block | None:
    """Mark what the cloud would compute as unknown; what a user may set as well stays null."""

    def mark(name: str, attribute: Block, old: Any) -> Any:
        computed = attribute["computed"] and (not attribute["optional"] or name == "id")
        return _UNKNOWN if old is None and computed else old

    return _walk(block, value, mark)


def _apply(block: Block, value: Block | None, path: str) -> Block | None:
    """Replace what is unknown by an invention."""

    def settle(name: str, attribute: Block, old: Any) -> Any:
        return _invent(attribute["type"], f"{path}.{name}") if _is_unknown(old) else old

    return _walk(block, value, settle)


def _walk(
    block: Block, value: Block | None, change: Callable[[str, Block, Any], Any]
) -> Block | None:
    if value is None:
        return None
    for name, attribute in block["attributes"].items():
        if name != "timeouts":
            value[name] = change(name, attribute, value.get(name))
    for name, nested in block["block_types"].items():
        inner = value.get(name)
        if isinstance(inner, list):
            value[name] = [
                _walk(nested["block"], item, change) if isinstance(item, dict) else item
                for item in inner
            ]
        elif isinstance(inner, dict) and nested["nesting"] == "SINGLE":
            value[name] = _walk(nested["block"], inner, change)
    return value


def _complete(answer: Any, of_type: Any) -> Any:
    """Return an answer as its type wants it: members that it leaves out are null."""
    if not isinstance(of_type, list) or answer is None:
        return answer
    kind, inner = of_type
    if kind == "object":
        return {key: _complete(answer.get(key), member) for key, member in inner.items()}
    if kind in {"list", "set"}:
        return [_complete(item, inner) for item in answer]
    return answer


def _answer(block: Block, value: Block | None, key: str) -> Block | None:
    """Put in what the answers say of computed attributes."""
    known = _answers().get(key, {})
    for name in known.keys() & block["attributes"].keys():
        if value is not None and (value.get(name) is None or _is_unknown(value.get(name))):
            value[name] = _complete(known[name], block["attributes"][name]["type"])
    return value


class Provider(rpc.ProviderServicer):  # type: ignore[misc]
    """The plugin protocol, version 6; see `_plan` and `_apply` for what is made up."""

    def GetMetadata(self, request: Any, context: Any) -> Any:
        del request, context
        metadata = pb.GetMetadata
        return metadata.Response(
            server_capabilities=pb.ServerCapabilities(get_provider_schema_optional=True),
            resources=[
                metadata.ResourceMetadata(type_name=name) for name in _schema()["resources"]
            ],
            data_sources=[
                metadata.DataSourceMetadata(type_name=name) for name in _schema()["data"]
            ],
        )

    def GetProviderSchema(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.GetProviderSchema.Response.FromString(_whole_schema())

    def ValidateProviderConfig(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.ConfigureProvider.Response()

    def UpgradeResourceState(self, request: Any, context: Any) -> Any:
        del context
        state = pb.DynamicValue(json=request.raw_state.json)
        return pb.UpgradeResourceState.Response(upgraded_state=state)

    def ReadResource(self, request: Any, context: Any) -> Any:
        del context
        return pb.ReadResource.Response(new_state=request.current_state, private=request.private)

    def PlanResourceChange(self, request: Any, context: Any) -> Any:
        del context
        proposed = _unpack(request.proposed_new_state)
        if proposed is None:
            return pb.PlanResourceChange.Response(planned_state=request.proposed_new_state)
        if _unpack(request.prior_state) is None:
            block = _schema()["resources"][request.type_name]
            proposed = _answer(block, _plan(block, proposed), request.type_name)
        return pb.PlanResourceChange.Response(
            planned_state=_pack(proposed), legacy_type_system=True
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:
        del context
        planned = _unpack(request.planned_state)
        if planned is None:
            return pb.ApplyResourceChange.Response(new_state=request.planned_state)
        block = _schema()["resources"][request.type_name]
        return pb.ApplyResourceChange.Response(
            new_state=_pack(_apply(block, planned, request.type_name)), legacy_type_system=True
        )

    def ReadDataSource(self, request: Any, context: Any) -> Any:
        del context
        block, key = _schema()["data"][request.type_name], f"data.{request.type_name}"
        planned = _answer(block, _plan(block, _unpack(request.config)), key)
        return pb.ReadDataSource.Response(state=_pack(_apply(block, planned, key)))

    def GetFunctions(self, request: Any, context: Any) -> Any:
        del request, context
        return pb.GetFunctions.Response()

    def StopProvider(self, request: Any, context: Any) -> Any:
        del request, context
        _leave_soon()
        return pb.StopProvider.Response()


class _Controller(grpc_controller_pb2_grpc.GRPCControllerServicer):  # type: ignore[misc]
    def Shutdown(self, request: Any, context: Any) -> Any:
        del request, context
        _leave_soon()
        return grpc_controller_pb2.Empty()


class _Stdio(grpc_stdio_pb2_grpc.GRPCStdioServicer):  # type: ignore[misc]
    def StreamStdio(self, request: Any, context: Any) -> Any:
        del request, context
        return iter(())


def _leave_soon() -> None:
    """End the process once the answer is out."""
    threading.Timer(0.05, lambda: os._exit(0)).start()


def _serve() -> None:
    server = grpc.server(
        futures.ThreadPoolExecutor(4),
        options=[("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)],
    )
    rpc.add_ProviderServicer_to_server(Provider(), server)
    grpc_controller_pb2_grpc.add_GRPCControllerServicer_to_server(_Controller(), server)
    grpc_stdio_pb2_grpc.add_GRPCStdioServicer_to_server(_Stdio(), server)
    chain, credentials = _self_signed_cert()
    with tempfile.TemporaryDirectory() as folder:
        server.add_secure_port(f"unix://{folder}/plugin", credentials)
        server.start()
        certificate = base64.b64encode(chain).decode().rstrip("=")
        sys.stdout.write(f"1|6|unix|{folder}/plugin|grpc|{certificate}\n")
        sys.stdout.flush()
        server.wait_for_termination()


if __name__ == "__main__":
    _serve()
