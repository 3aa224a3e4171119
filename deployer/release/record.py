"""What all that is written down has in common: frozen, with a schema version, nothing unread."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SCHEMA", "Document", "Record"]

SCHEMA = 1
"""The version of what is written; a reader refuses a later one."""


class Record(BaseModel):
    """A frozen document; unknown fields are an error, so nothing is dropped unread."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Document(Record):
    """A record with a file of its own."""

    schema_version: int = Field(SCHEMA, alias="schema", serialization_alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
