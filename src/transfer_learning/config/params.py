"""``params.yaml``: its keys, their types and limits, and one clear error for each thing wrong.

Read with ruamel.yaml, as DVC reads it, so that ``1e-3`` is a number here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from transfer_learning.config import finetuning, yaml_file
from transfer_learning.config.finetuning import Finetune
from transfer_learning.config.paths import PARAMS
from transfer_learning.config.section import Section as _Section
from transfer_learning.config.values import BackboneName, ClassName, Handle, PathText, Text
from transfer_learning.runtime.errors import QUOTED, UserError, clipped, quoted

# Of values: what a computer can hold, and finish in a person's time.
IMAGES_PER_CLASS = 100_000
EPOCHS = 10_000
BATCH_SIZE = 1_000_000
STRENGTH = 1e12
# Keras's set_random_seed hands a seed to numpy, which takes 32 bits.
SEEDS = 2**32
# Of a photo; decoded, it takes 4 bytes a pixel and more.
MEGAPIXELS = 100
# Lines of one error.
PROBLEMS = 20
Resolution = Annotated[int, Field(ge=32, le=1024)]
Precision = Literal["float32", "bfloat16"]
# In the place of a name under ``selected``: the best on the validation photos.
BEST = "best"
HeadKind = Literal["dense", "logistic"]


class Rendered(_Section):
    """The synthetic flowers: how many of each class, and which."""

    images_per_class: int = Field(ge=1, le=IMAGES_PER_CLASS)
    seed: int = Field(ge=0, lt=SEEDS)


class Folder(_Section):
    """The user's photos: PATH/CLASS/PHOTO; ``classes: null`` takes the sorted folder names."""

    path: PathText
    classes: list[ClassName] | None
    max_megapixels: float = Field(default=MEGAPIXELS, gt=0, le=1000)

    @property
    def name(self) -> str:
        """The folder's own name, for pages that are sent to others."""
        return Path(self.path).expanduser().resolve().name


class Tfds(_Section):
    """A TFDS image-classification builder."""

    name: PathText
    data_dir: PathText | None
    # Without effect in TFDS 4.9.10, which has its public bucket switched off.
    try_gcs: bool = False


class Splits(_Section):
    """A TFDS slice of ``train`` for each split."""

    train: Text
    valid: Text
    test: Text


class Dataset(_Section):
    """Where the photos come from and how they are split.

    ``stratify`` gives every class its share in each split (``sources.splits.stratified``);
    ``group_duplicates`` keeps copies of one photo in one split (``sources.grouping``).
    """

    source: Literal["rendered", "folder", "tfds"]
    rendered: Rendered
    folder: Folder
    tfds: Tfds
    splits: Splits
    stratify: bool = False
    group_duplicates: bool = False


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

    handle: Handle
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
    """The head's training: what a ``dense`` head takes, then what a ``logistic`` one takes.

    ``heads`` says by a competitor's name which head it has in place of ``head``; ``strength: null``
    chooses the strength of the regularisation on the validation photos; ``refit`` then fits on
    training and validation photos together.
    """

    epochs: int = Field(ge=1, le=EPOCHS)
    batch_size: int = Field(ge=1, le=BATCH_SIZE)
    dropout: float = Field(ge=0, lt=1)
    learning_rate: float = Field(gt=0, le=10, allow_inf_nan=False)
    seed: int = Field(ge=0, lt=SEEDS)
    head: HeadKind = "dense"
    heads: dict[BackboneName, HeadKind] = {}
    strength: float | None = Field(None, ge=1 / STRENGTH, le=STRENGTH, allow_inf_nan=False)
    refit: bool = False

    def head_of(self, name: str) -> HeadKind:
        """Return which head a competitor has."""
        return self.heads.get(name, self.head)

    def refits(self, name: str) -> bool:
        """Whether a competitor's head has learnt from the validation photos too."""
        return self.refit and self.head_of(name) == "logistic"


class Params(_Section):
    """All of ``params.yaml``."""

    dataset: Dataset
    preprocess: Preprocess
    resolutions: list[Resolution] = Field(min_length=1)
    backbones: dict[BackboneName, Backbone] = Field(min_length=1)
    extract: Extract = Extract()
    train: Train
    finetuned: dict[BackboneName, Finetune] = {}
    joined: dict[BackboneName, Annotated[list[Text], Field(min_length=1)]] = {}
    selected: Text

    @property
    def competitors(self) -> list[str]:
        """The names of all that are compared: the backbones, the tuned ones, the joined ones."""
        return [*self.backbones, *self.finetuned, *self.joined]

    @property
    def frozen(self) -> list[str]:
        """The competitors whose features have learnt from no photo, neither here nor in a part."""
        members = {name: self.joined.get(name, [name]) for name in self.competitors}
        return [name for name, parts in members.items() if not set(parts) & set(self.finetuned)]

    @property
    def tuned_from(self) -> dict[str, str]:
        """Each tuned backbone's name, and the frozen one's that it was tuned from."""
        return {name: settings.source for name, settings in self.finetuned.items()}

    @model_validator(mode="after")
    def _keys_agree(self) -> Params:
        if problems := [
            *_name_problems(self),
            *finetuning.problems(self.finetuned, self.backbones),
            *_joined_problems(self),
            *_resolution_problems(self),
        ]:
            raise ValueError("\n".join(problems))
        return self


def _joined_problems(params: Params) -> list[str]:
    problems = []
    parts = [*params.backbones, *params.finetuned]
    where = "backbones and finetuned have" if params.finetuned else "backbones has"
    for name, members in params.joined.items():
        problems += [
            f"joined.{name} has {quoted(member)}, but {where} only {_listed(parts)}"
            for member in members
            if member not in parts
        ]
        if len(set(members)) != len(members):
            problems.append(f"joined.{name} has a backbone twice ({_listed(members)})")
        for section in ("backbones", "finetuned"):
            if name in getattr(params, section):
                problems.append(f"{section} and joined both have {name}; rename one")
    return problems


def _name_problems(params: Params) -> list[str]:
    problems = []
    names = params.competitors
    if params.selected not in (BEST, *names):
        problems.append(
            f"selected is {quoted(params.selected)}, but {_there_are(params)}; "
            f"{BEST} takes the best on validation"
        )
    if BEST in names:
        problems.append(
            f"a competitor is called {BEST}, which under selected means the best on validation; "
            "rename it"
        )
    problems += [
        f"train.heads has {quoted(name)}, but {_there_are(params)}"
        for name in params.train.heads
        if name not in names
    ]
    if params.train.refit and not any(map(params.train.refits, names)):
        problems.append("train.refit is true, but no head is logistic; set train.head to logistic")
    seen: dict[str, str] = {}
    sections = [key for key in ("backbones", "finetuned", "joined") if getattr(params, key)]
    where = " and ".join(sections) + (" have" if len(sections) > 1 else " has")
    for name in names:
        # One folder, on the file systems of Windows and macOS.
        if (other := seen.setdefault(name.lower(), name)) != name:
            problems.append(f"{where} {other} and {name}, which differ only in case")
    return problems


def _there_are(params: Params) -> str:
    more = "".join(
        f" and {key} only {_listed(section)}"
        for key in ("finetuned", "joined")
        if (section := getattr(params, key))
    )
    return f"backbones has only {_listed(params.backbones)}{more}"


def _resolution_problems(params: Params) -> list[str]:
    listed = _listed(params.resolutions)
    problems = []
    if len(set(params.resolutions)) != len(params.resolutions):
        problems.append(f"resolutions lists a size twice ({listed})")
    problems += [
        f"backbones.{name}.resolution is {backbone.resolution}, but resolutions has no "
        f"{backbone.resolution} ({listed})"
        for name, backbone in params.backbones.items()
        if backbone.resolution not in params.resolutions
    ]
    used = {backbone.resolution for backbone in params.backbones.values()}
    problems += [
        f"resolutions has {resolution}, but no backbone has that resolution "
        f"({_listed(sorted(used))}); remove it or add a backbone"
        for resolution in dict.fromkeys(params.resolutions)
        if resolution not in used
    ]
    return problems


def load(path: Path = PARAMS) -> Params:
    """Read and check ``params.yaml``.

    Raises:
        UserError: the file cannot be read, or names every key that is unknown, missing, of the
            wrong type, out of range, or at odds with another.
    """
    try:
        raw = yaml_file.parse(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; run from the project's top folder") from None
    return parse(raw)


def parse(raw: object) -> Params:
    """Check what ``params.yaml`` holds, as plain values.

    Raises:
        UserError: as ``load``.
    """
    try:
        return Params.model_validate(raw)
    except ValidationError as error:
        problems = [line for details in error.errors() for line in _describe(**details)]
    if len(problems) > PROBLEMS:
        problems[PROBLEMS:] = [f"params.yaml: and {len(problems) - PROBLEMS} more"]
    raise UserError("\n".join(problems))


def _describe(
    *, loc: tuple[int | str, ...], msg: str, type: str, input: object, **_: object
) -> list[str]:
    """Return the lines for one of pydantic's errors, whose names these are."""
    if type == "value_error":
        # Of a validator here; pydantic puts "Value error, " before its text.
        msg = msg.partition(", ")[2]
        if not loc:
            return [f"params.yaml: {line}" for line in msg.splitlines()]
    # Pydantic marks a bad key of a dictionary with "[key]", and a section with its class.
    key = ".".join(_shown(part) for part in loc if part != "[key]") or "the file"
    msg = msg.split(" or instance of ")[0]
    match type:
        case "missing":
            return [f"params.yaml: {key} is missing"]
        case "extra_forbidden":
            return [f"params.yaml: {key} is not a known key; remove it or correct its spelling"]
    # Pydantic's message says what would be right, such as "Input should be a valid integer".
    return [f"params.yaml: {key} is {quoted(input)}: {msg[0].lower()}{msg[1:]}"]


def _shown(part: int | str) -> str:
    text = str(part)
    return text if text.isprintable() and len(text) <= QUOTED else quoted(text)


def _listed(values: Iterable[object]) -> str:
    return clipped(", ".join(map(str, values)), yaml_file.DETAIL)
