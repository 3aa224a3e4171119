"""Objects as YAML documents that every YAML reader reads alike."""

import io
import re
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from deployer.values import Json

__all__ = ["format_yaml"]


def format_yaml(objects: Iterable[Json]) -> str:
    """Return the objects as one YAML stream, each under its own ``---``."""
    yaml: Any = YAML(typ="safe", pure=True)  # its settings are typed None
    yaml.Representer = _Representer
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.explicit_start = True
    yaml.width = 4096
    stream = io.StringIO()
    yaml.dump_all(objects, stream)
    return stream.getvalue()


_OTHERWISE = re.compile(
    r"(?i:y|n|yes|no|on|off|true|false|null|~)|[-+]?[0-9][0-9_,:.]*|[-+]?\.?[0-9].*|0[xob].*|<<|="
)
"""Strings that YAML 1.1, which kubectl reads, takes for something else when they are bare."""


class _Representer(SafeRepresenter):
    """Writes such strings in quotes; aliases never."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def represent_text(self, data: str) -> ScalarNode:
        style = '"' if _OTHERWISE.fullmatch(data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Representer.add_representer(str, _Representer.represent_text)
