"""Derive a Terraform provider's schema from its CDK package.

python derive_schema.py PACKAGE.tgz OUT.json

The packages @cdktf/provider-* on npm are generated from the providers' own schemas: a resource is
a class that writes its arguments with their types, says which are computed, and has a getter per
attribute. Read back, that is nearly the schema: enums, conflicts and regular expressions are
not in it.
"""

import json
import re
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

__all__ = ["derive_schema"]

Block = dict[str, Any]

_PRIMITIVES = {"string": "string", "number": "number", "boolean": "bool", "any": "dynamic"}
_GETTERS: dict[str, Any] = {
    "String": "string",
    "Number": "number",
    "Boolean": "bool",
    "StringMap": ["map", "string"],
    "NumberMap": ["map", "number"],
    "BooleanMap": ["map", "bool"],
    "AnyMap": ["map", "dynamic"],
    "List": ["list", "string"],
    "NumberList": ["list", "number"],
    "Any": "dynamic",
}
_NESTINGS = {"list": "LIST", "set": "SET", "struct": "SINGLE", "map": "MAP"}
_KINDS = {
    "TerraformProvider": "provider",
    "TerraformDataSource": "data",
    "TerraformResource": "resources",
}
_CLASS = re.compile(
    r"^(?:export )?class (\w+) extends cdktf\.(\w+)[^\n]*\{\n(.*?)^\}", re.DOTALL | re.MULTILINE
)
_WRITER = re.compile(
    r"^(?:export )?function (\w+)ToHclTerraform\(struct\) \{\n(.*?)^\}", re.DOTALL | re.MULTILINE
)
_INTERFACE = re.compile(r"^export interface (\w+)[^\n]*\{\n(.*?)^\}", re.DOTALL | re.MULTILINE)
_MEMBER = re.compile(r"^    readonly (\w+)(\??):", re.MULTILINE)
_TYPE = re.compile(r'\b(\w+)\.tfResourceType = "(\w+)"')  # files end in megabytes of base64
_ARGUMENT = re.compile(
    r"^ +(\w+): \{\n\s+value: (.*),\n\s+isBlock: (?:true|false),\n\s+"
    r'type: "(\w+)",\n\s+storageClassType: "([^"]*)",',
    re.MULTILINE,
)
_FLAGS = re.compile(
    r"// (\w+) - computed: (?:true|false), optional: (?:true|false), required: (\w+)"
)
_GETTER = re.compile(r"get (\w+)\(\) \{\s*return ([^;]*?this\.get(\w+?)Attribute\('(\w+)'\)[^;]*);")
_NESTED = re.compile(
    r"this\._\w+ = new (?:\w+\.)?(\w+?)(List|Map|OutputReference)"
    r'\(this, "(\w+)"(?:, (true|false))?\)'
)


class _Argument(NamedTuple):
    name: str
    value: str
    kind: str
    storage: str


@dataclass
class _Module:
    """One resource's source: its classes, what writes its blocks, which members are required."""

    classes: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str] = field(default_factory=dict)
    writers: dict[str, str] = field(default_factory=dict)
    required: dict[str, set[str]] = field(default_factory=dict)

    def read(self, script: str, types: str) -> None:
        for name, parent, body in _CLASS.findall(script):
            self.classes.setdefault(name, body)
            self.parents.setdefault(name, parent)
        for name, body in _WRITER.findall(script):
            self.writers[name] = body
        for name, body in _INTERFACE.findall(types):
            members = _MEMBER.findall(body)
            self.required[name] = {member for member, optional in members if not optional}

    def block(self, inputs: str, cls: str, interface: str = "") -> Block:
        """Return the block of the arguments in ``inputs`` and the attributes of ``cls``."""
        block: Block = {"attributes": {}, "block_types": {}}
        flags = dict(_FLAGS.findall(cls))
        for match in _ARGUMENT.findall(inputs):
            argument = _Argument(*match)
            required = self._is_required(argument.name, flags, cls, interface)
            self._add_argument(block, argument, required=required)
        self._add_attributes(block, cls)
        return block

    def _is_required(self, name: str, flags: Mapping[str, str], cls: str, interface: str) -> bool:
        camel = re.sub(r"_([a-z0-9])", lambda match: match[1].upper(), name)
        if name in flags:
            return flags[name] == "true"
        if interface in self.required:
            return camel in self.required[interface]
        return f"reset{camel[0].upper()}{camel[1:]}()" not in cls

    def _add_argument(self, block: Block, argument: _Argument, *, required: bool) -> None:
        writer = _writer_of(argument.value)
        if writer is None:
            of_type = _type_of(argument.kind, argument.storage) or "dynamic"
            block["attributes"][argument.name] = _attribute(of_type, required=required)
            return
        nested = self._nested(writer)
        mapper = re.search(r"(?:list|hash)MapperHcl\(\w+, (true|false)\)", argument.value)
        if (mapper and mapper[1] == "false") or argument.kind == "map":
            kind = argument.kind if argument.kind != "struct" else "list"
            block["attributes"][argument.name] = _attribute(
                [kind, _object_of(nested)], required=required
            )
            return
        nesting = _NESTINGS[argument.kind]
        single = nesting in {"SINGLE", "MAP"}
        block["block_types"][argument.name] = {
            "block": nested,
            "nesting": nesting,
            "min_items": 1 if required and nesting != "SINGLE" else 0,
            "max_items": 0 if mapper or single else 1,
        }

    def _nested(self, writer: str) -> Block:
        name = writer[0].upper() + writer[1:]
        return self.block(
            self.writers.get(writer, ""), self.classes.get(f"{name}OutputReference", ""), name
        )

    def _add_attributes(self, block: Block, cls: str) -> None:
        """Add what is computed alone: it has a getter and no argument."""
        for _, expression, kind, name in _GETTER.findall(cls):
            of_type = _GETTERS.get(kind, "dynamic")
            if "Fn.tolist" in expression and isinstance(of_type, list):
                of_type = ["set", of_type[1]]
            _add_computed(block, name, of_type)
        for prefix, kind, name, unordered in _NESTED.findall(cls):
            if _is_known(block, name):
                continue  # an argument; looking into it again at each level would never end
            of_type = _object_of(self._nested(prefix[0].lower() + prefix[1:]))
            if kind != "OutputReference":
                listed = "set" if unordered == "true" else "list"
                of_type = ["map" if kind == "Map" else listed, of_type]
            _add_computed(block, name, of_type)


def derive_schema(package: Path) -> dict[str, Any]:
    """Return ``{provider, resources, data}``, each block as the plugin protocol describes it."""
    schema: dict[str, Any] = {"provider": None, "resources": {}, "data": {}}
    for script, module in _modules(package):
        for cls, name in _TYPE.findall(script):
            body = module.classes[cls]
            written = re.search(r"synthesizeHclAttributes\(\) \{(.*)", body, re.DOTALL)
            block = module.block(written[1] if written else "", body, f"{cls}Config")
            _settle(block)
            kind = _KINDS[module.parents[cls]]
            if kind == "provider":
                block["attributes"].pop("alias", None)
                schema["provider"] = block
            else:
                schema[kind][name] = block
    return schema


def _modules(package: Path) -> Iterator[tuple[str, _Module]]:
    for folder, files in _folders(package).items():
        script = files.get("index.js", "")
        if folder.startswith("package/lib/") and "tfResourceType" in script:
            module = _Module()
            for name in sorted(name for name in files if name.endswith(".js")):
                module.read(files[name], files.get(f"{name[:-2]}d.ts", ""))
            yield script, module


def _folders(package: Path) -> dict[str, dict[str, str]]:
    """Return the sources by folder; a big resource's structs lie in a folder below its own."""
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    with tarfile.open(package) as archive:
        for member in archive:
            path = PurePosixPath(member.name)
            if not member.isfile() or not member.name.endswith((".js", ".d.ts")):
                continue
            content = archive.extractfile(member)
            if content is not None:
                below = path.parent.name == "index-structs"
                folder = path.parent.parent if below else path.parent
                name = f"structs/{path.name}" if below else path.name
                folders[str(folder)][name] = content.read().decode()
    return folders


def _writer_of(value: str) -> str | None:
    """Return the name of the function that writes a nested block, None for a plain value."""
    bare = re.sub(r"\(0, \w+\.(\w+)\)", r"\1", value)
    bare = re.sub(r"(?<!cdktf\.)\b\w+_\d+\.(\w+ToHclTerraform)", r"\1", bare)
    match = re.search(r"(\w+)ToHclTerraform", bare)
    if match is None or match[1] in _PRIMITIVES or f"cdktf.{match[1]}" in bare:
        return None
    return match[1]


def _type_of(kind: str, storage: str) -> Any:
    if kind == "simple":
        return _PRIMITIVES[storage]
    if match := re.fullmatch(r"(string|number|boolean|any)(List|Map|Set)", storage):
        outer = kind if kind in {"list", "set", "map"} else match[2].lower()
        return [outer, _PRIMITIVES[match[1]]]
    if match := re.fullmatch(r"(string|number|boolean|any)(Map|List)(List|Map)", storage):
        return [kind, [match[2].lower(), _PRIMITIVES[match[1]]]]
    return None


def _attribute(of_type: Any, *, required: bool) -> Block:
    optional = not required
    return {"type": of_type, "required": required, "optional": optional, "computed": optional}


def _is_known(block: Block, name: str) -> bool:
    return name in block["attributes"] or name in block["block_types"]


def _add_computed(block: Block, name: str, of_type: Any) -> None:
    if not _is_known(block, name):
        block["attributes"][name] = {
            "type": of_type,
            "required": False,
            "optional": False,
            "computed": True,
        }


def _object_of(block: Block) -> Any:
    members = {name: attribute["type"] for name, attribute in block["attributes"].items()}
    for name, nested in block["block_types"].items():
        inner = _object_of(nested["block"])
        kind = "set" if nested["nesting"] == "SET" else "list"
        members[name] = inner if nested["nesting"] == "SINGLE" else [kind, inner]
    return ["object", members]


def _settle(block: Block) -> bool:
    """Make sets of what has values of any type lists: the protocol knows no such sets.

    Returns whether there is a value of any type in the block.
    """
    open_ended = any('"dynamic"' in json.dumps(a["type"]) for a in block["attributes"].values())
    for nested in block["block_types"].values():
        inside = _settle(nested["block"])
        if inside and nested["nesting"] == "SET":
            nested["nesting"] = "LIST"
        open_ended = open_ended or inside
    return open_ended


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(
        json.dumps(derive_schema(Path(sys.argv[1])), separators=(",", ":"))
    )
