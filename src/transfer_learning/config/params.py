"""``params.yaml``: its keys, their types and limits, and one clear error for each thing wrong.

Read with ruamel.yaml, as DVC reads it, so that ``1e-3`` is a number here too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from transfer_learning.config.paths import PARAMS
from transfer_learning.runtime.errors import UserError

# Both become folder names and parts of DVC stage names.
BackboneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Resolution = Annotated[int, Field(ge=32, le=1024)]
Precision = Literal["float32", "bfloat16"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Rendered(_Section):
    """The synthetic flowers: how many of each class, and which."""

    images_per_class: int = Field(ge=1)
    seed: int = Field(ge=0)


class Folder(_Section):
    """The user's photos: PATH/CLASS/PHOTO; ``classes: null`` takes the sorted folder names."""

    path: str = Field(min_length=1)
    classes: list[str] | None


class Tfds(_Section):
    """A TFDS image-classification builder."""

    name: str = Field(min_length=1)
    data_dir: str | None
    try_gcs: bool = False


class Splits(_Section):
    """A TFDS slice of ``train`` for each split."""

    train: str
    valid: str
    test: str


class Dataset(_Section):
    """Where the photos come from and how they are split."""

    source: Literal["rendered", "folder", "tfds"]
    rendered: Rendered
    folder: Folder
    tfds: Tfds
    splits: Splits


class Preprocess(_Section):
    """How a photo becomes R × R pixels: ``tf.image.resize``'s method and antialias."""

    method: Literal["bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5"]
    antialias: bool


Colour = Annotated[
    list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=3, max_length=3)
]


class Input(_Section):
    """What a .onnx or .xml file takes: (image · scale − mean)/std of RGB images in [0, 1].

    ``layout`` is asked for only where the file's shape does not say where the channels are.
    """

    layout: Literal["NHWC", "NCHW"] | None = None
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    mean: Colour = [0.0, 0.0, 0.0]
    std: Colour = [1.0, 1.0, 1.0]

    @field_validator("std")
    @classmethod
    def _no_zero(cls, std: list[float]) -> list[float]:
        if min(std) <= 0:
            raise ValueError("every number should be greater than 0")
        return std


class Backbone(_Section):
    """A pretrained network: where it comes from and its input size in pixels."""

    handle: str = Field(min_length=1)
    resolution: Resolution
    # For a hub's archive; packages of the index are known by theirs already.
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    # For a .onnx or .xml file: its normalisation, and the output to take where it has several.
    input: Input | None = None
    output: str | None = None


class Extract(_Section):
    """How features are computed: bfloat16 is faster on CPUs and GPUs that have it, and coarser."""

    precision: Precision = "float32"


class Train(_Section):
    """The head's training."""

    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    learning_rate: float = Field(gt=0, le=10, allow_inf_nan=False)
    # Keras's set_random_seed hands it to numpy, which takes 32 bits.
    seed: int = Field(ge=0, lt=2**32)


class Params(_Section):
    """All of ``params.yaml``."""

    dataset: Dataset
    preprocess: Preprocess
    resolutions: list[Resolution] = Field(min_length=1)
    backbones: dict[BackboneName, Backbone] = Field(min_length=1)
    extract: Extract = Extract()
    train: Train
    selected: str


def load(path: Path = PARAMS) -> Params:
    """Read and check ``params.yaml``.

    Raises:
        UserError: the file cannot be read, or names every key that is unknown, missing, of the
            wrong type, out of range, or at odds with another.
    """
    try:
        raw = YAML(typ="safe", pure=True).load(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run from the project's top folder") from None
    except YAMLError as error:
        detail = " ".join(str(error).split())
        raise UserError(f"{path} is not valid YAML: {detail}") from None
    try:
        params = Params.model_validate(raw)
    except ValidationError as error:
        raise UserError(
            "\n".join(_describe(e["loc"], e["msg"], e["type"], e["input"]) for e in error.errors())
        ) from None
    _check_resolutions(params)
    if params.selected not in params.backbones:
        raise UserError(
            f"{path}: selected is {params.selected!r}, but backbones has only "
            f"{', '.join(params.backbones)}"
        )
    return params


def _describe(location: tuple[int | str, ...], message: str, kind: str, found: object) -> str:
    # Pydantic marks a bad key of a dictionary with "[key]", and a section with its class.
    key = ".".join(str(part) for part in location if part != "[key]") or "the file"
    message = message.split(" or instance of ")[0]
    match kind:
        case "missing":
            return f"params.yaml: {key} is missing"
        case "extra_forbidden":
            return f"params.yaml: {key} is not a known key; remove it or correct its spelling"
    # Pydantic's message says what would be right, such as "Input should be a valid integer".
    return f"params.yaml: {key} is {found!r}: {message[0].lower()}{message[1:]}"


def _check_resolutions(params: Params) -> None:
    listed = ", ".join(map(str, params.resolutions))
    if len(set(params.resolutions)) != len(params.resolutions):
        raise UserError(f"params.yaml: resolutions lists a size twice ({listed})")
    for name, backbone in params.backbones.items():
        if backbone.resolution not in params.resolutions:
            raise UserError(
                f"params.yaml: backbones.{name}.resolution is {backbone.resolution}, but "
                f"resolutions has no {backbone.resolution} ({listed})"
            )
    used = {backbone.resolution for backbone in params.backbones.values()}
    for resolution in params.resolutions:
        if resolution not in used:
            raise UserError(
                f"params.yaml: resolutions has {resolution}, but no backbone has that resolution "
                f"({', '.join(map(str, sorted(used)))}); remove it or add a backbone"
            )
