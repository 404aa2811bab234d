"""What every section of ``params.yaml`` has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """Keys of fixed names and types; an unknown one is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
