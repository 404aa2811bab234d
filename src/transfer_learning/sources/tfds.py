"""Data sets of TensorFlow Datasets (TFDS): prepared once, read in TFDS's own order.

Builders, checksums, folders and order are TFDS's.  What its downloader lacks is added here: limits
of time, another try after a cut connection, no leftovers, and one clear error.
"""

from __future__ import annotations

import difflib
import json
import logging
import shutil
import sys
import tarfile
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any
from unittest import mock

import requests
import tensorflow_datasets as tfds
from google.protobuf.json_format import ParseError
from tensorflow_datasets.core import naming
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from transfer_learning.config.params import Tfds
from transfer_learning.config.values import expanded
from transfer_learning.runtime import downloads
from transfer_learning.runtime.errors import UserError, clipped, one_line, quoted
from transfer_learning.sources.source import Given, Photo, Source, in_tfds_order, read_credits

# What a killed process left is older than this; younger folders may be another's at work.
STALE_SECONDS = 24 * 60 * 60

AFRESH = "Copy the prepared folder again, or delete it and it is prepared afresh"


def check(settings: Tfds) -> int | None:
    """Check all that is known without a network; TensorFlow is not loaded.

    Returns:
        The number of photos in ``train``, or None as long as the data set is not prepared.

    Raises:
        UserError: TFDS doesn't know the name, the data set isn't one of labelled images, or
            ``data_dir`` is no folder or holds the data set half prepared.
    """
    builder = _builder(settings)
    _image_and_label(builder)
    return _train(builder).num_examples if _is_prepared(builder) else None


def open_tfds(settings: Tfds) -> Source:
    """Prepare the data set if it is not yet, and list the photos of ``train``.

    The id of a photo is CLASS/FILE for tf_flowers whose archive is at hand, else CLASS/TFDS_ID.

    Raises:
        UserError: as ``check``; or the data set cannot be fetched, prepared or read, or has no
            split ``train``, a photo without a label, or a class without photos.
    """
    builder = _builder(settings)
    image, label = _image_and_label(builder)
    if not _is_prepared(builder):
        _prepare(builder, settings)
    classes = tuple(builder.info.features[label].names)
    photos = _photos(builder, label, classes)
    named, credits = _named_flowers(builder, classes)
    if [photo.label for photo in named] == [photo.label for photo in photos]:
        photos = named
    else:
        credits = {}

    def places() -> Iterator[Given]:
        as_published = tfds.decode.PartialDecoding(
            {image: True}, decoders={image: tfds.decode.SkipDecoding()}
        )
        return (Given(example[image]) for example in _read(builder, as_published))

    return Source(classes, photos, places, synthetic=False, about=_about(builder), credits=credits)


def _builder(settings: Tfds) -> Any:
    key = f"params.yaml: dataset.tfds.name is {quoted(settings.name)}"
    folder = expanded(settings.data_dir) if settings.data_dir else None
    if folder and not folder.is_dir():
        raise UserError(
            f"params.yaml: dataset.tfds.data_dir is {quoted(settings.data_dir)}, which is no "
            "folder; make it, correct it, or give null for TFDS's own (~/tensorflow_datasets)"
        )
    try:
        name, _ = naming.parse_builder_name_kwargs(settings.name)
        if name.namespace:
            raise UserError(f"{key}; community data sets (NAMESPACE:NAME) are not supported")
        return tfds.builder(settings.name, data_dir=folder, try_gcs=settings.try_gcs)
    except tfds.core.DatasetNotFoundError:
        known = tfds.list_builders(with_community_datasets=False)
        close = " or ".join(difflib.get_close_matches(name.name, known))
        raise UserError(
            f"{key}, which TFDS {tfds.__version__} does not know; "
            + (f"did you mean {close}?" if close else "see tensorflow.org/datasets for its names")
        ) from None
    except ParseError as error:
        raise UserError(f"{key}: its dataset_info.json is damaged. {AFRESH}") from error
    except UserError:
        raise
    # A wrong version, configuration or argument, a missing package: each raises its own kind.
    except Exception as error:
        said = one_line(error).replace(settings.name, clipped(settings.name))
        raise UserError(f"{key}: {said}") from error


def _image_and_label(builder: Any) -> tuple[str, str]:
    """Return the names of the features that are the photo and its class."""
    features = builder.info.features
    kinds = dict(features) if isinstance(features, tfds.features.FeaturesDict) else {}
    images = [name for name, kind in kinds.items() if type(kind) is tfds.features.Image]
    labels = [
        name
        for name, kind in kinds.items()
        if type(kind) is tfds.features.ClassLabel and (kind.num_classes or 0) > 1
    ]
    # Where there are several, most data sets say which are meant.
    if keys := builder.info.supervised_keys:
        images = [name for name in images if name == keys[0]]
        labels = [name for name in labels if name == keys[1]]
    if len(images) != 1 or len(labels) != 1:
        raise UserError(
            f"params.yaml: dataset.tfds.name is {builder.name!r}, which is not one of images with "
            f"one class each: its features are {_described(kinds)}"
        )
    return images[0], labels[0]


def _is_prepared(builder: Any) -> bool:
    folder = Path(builder.data_dir)
    if not folder.exists():
        return False
    missing = [
        name for name in ("dataset_info.json", "features.json") if not (folder / name).is_file()
    ]
    missing = missing or [p.name for p in _train(builder).filepaths if not Path(p).is_file()]
    if missing:
        raise UserError(
            f"{folder} is only half of a prepared {builder.name}: {missing[0]} is missing. {AFRESH}"
        )
    return True


def _train(builder: Any) -> Any:
    if "train" not in builder.info.splits:
        raise UserError(
            f"params.yaml: dataset.tfds.name is {builder.name!r}, which has no split train, only "
            f"{', '.join(builder.info.splits)}; dataset.splits are slices of train"
        )
    return builder.info.splits["train"]


def _prepare(builder: Any, settings: Tfds) -> None:
    """Fetch and write the data set as TFDS does, with further tries where one may help."""
    from transfer_learning.runtime import tensorflow_quiet  # noqa: F401  (TFDS would load it loudly)

    name = f"params.yaml: dataset.tfds.name is {quoted(settings.name)}"
    remedy = (
        "Run it again; set https_proxy or http_proxy; put the file, fetched elsewhere, into "
        f"{Path(builder.data_dir_root) / 'downloads' / 'manual'} under its own name; or set "
        "dataset.tfds.data_dir to a folder prepared elsewhere. dataset.source: rendered needs "
        "no network"
    )
    if not sys.stderr.isatty():
        tfds.disable_progress_bar()
    urls: list[str] = []

    def attempt() -> None:
        try:
            with _without_leftovers(builder), _limited_requests(urls):
                builder.download_and_prepare(
                    download_config=tfds.download.DownloadConfig(try_download_gcs=settings.try_gcs)
                )
        except requests.RequestException as error:
            raise downloads.failure(error) from error

    try:
        downloads.retried(attempt, settings.name)
    except UserError as error:
        raise UserError(
            f"{name}, which could not be fetched: {urls[-1]}: {error}. {remedy}"
        ) from error
    except NonMatchingChecksumError as error:
        raise UserError(
            f"{name}, but these are not the bytes that were published; often a portal or a "
            f"proxy answered with a page of its own: {one_line(error)}. {remedy}"
        ) from error
    # Builders raise anything: a package or a file to fetch by hand is missing, the disk is
    # full, an archive is damaged.
    except Exception as error:
        raise UserError(f"{name}, which TFDS could not prepare: {one_line(error)}") from error


@contextmanager
def _limited_requests(urls: list[str]) -> Iterator[None]:
    """Limit the time of TFDS's requests, and add their URLs to the list.

    TFDS sets no limit, so that a silent server holds it for good, and tries ten times by itself,
    which takes 205 s where there is no network; trying again is the caller's here.
    """
    responses: list[requests.Response] = []

    class Adapter(requests.adapters.HTTPAdapter):
        def __init__(self, **_: Any) -> None:
            super().__init__()

        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
            urls.append(str(request.url))
            response = super().send(request, **(options | {"timeout": downloads.TIMEOUT}))
            responses.append(response)
            response.raise_for_status()
            return response

    with mock.patch.object(requests.adapters, "HTTPAdapter", Adapter):
        try:
            yield
        finally:
            # After Ctrl-C too: Python waits for TFDS's threads, which would read to the end.
            for response in responses:
                response.close()


@contextmanager
def _without_leftovers(builder: Any) -> Iterator[None]:
    """Remove what a failed or an earlier killed download leaves: up to the whole archive."""

    def leftovers() -> set[Path]:
        root = Path(builder.data_dir_root)
        fetched, prepared = root / "downloads" / builder.name, Path(builder.data_dir).parent
        return {
            *fetched.rglob("*.tmp." + 32 * "[0-9a-f]"),
            *prepared.glob(f"incomplete.*_{builder.version}"),
        }

    before = leftovers()
    for folder in before:
        touched = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
        if time.time() - touched > STALE_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    except BaseException:
        for folder in leftovers() - before:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _read(builder: Any, decoders: Any) -> Iterator[dict[str, Any]]:
    """Yield the examples of ``train`` and their ``tfds_id``, in the order that slices count in."""
    from transfer_learning.runtime.tensorflow_quiet import tf

    # Both warn of deprecated functions in TFDS itself.
    for name in ("absl", "tensorflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    examples = builder.as_dataset(
        split=_train(builder).name,
        decoders=decoders,
        # By default, shards are read alternately, 16 examples at a time.
        read_config=tfds.ReadConfig(
            interleave_cycle_length=1, add_tfds_id=True, try_autocache=False
        ),
    )
    try:
        yield from examples.as_numpy_iterator()
    except tf.errors.OpError as error:
        raise UserError(
            f"{builder.data_dir} is damaged: {one_line(error.message)}. {AFRESH}"
        ) from error


def _photos(builder: Any, label: str, classes: tuple[str, ...]) -> tuple[Photo, ...]:
    photos = []
    for example in _read(builder, tfds.decode.PartialDecoding({label: True})):
        number, name = int(example[label]), example["tfds_id"].decode()
        if not 0 <= number < len(classes):
            raise UserError(f"{builder.name}: {name} has no label; take another data set")
        photos.append(Photo(f"{classes[number]}/{name}", number))
    if empty := set(range(len(classes))) - {photo.label for photo in photos}:
        raise UserError(
            f"{builder.name}: train has no photo of the class {quoted(classes[min(empty)])}; "
            "take another data set or configuration (NAME/CONFIG)"
        )
    return tuple(photos)


def _named_flowers(
    builder: Any, classes: tuple[str, ...]
) -> tuple[tuple[Photo, ...], dict[str, str]]:
    """Return tf_flowers's photos by their file names, and their credits; nothing for others.

    TFDS keeps no file name, but it orders by the md5 of CLASS/FILE: the archive gives them back.
    """
    if builder.name != "tf_flowers":
        return (), {}
    fetched = Path(builder.data_dir_root) / "downloads"
    archives = [fetched / "manual" / "flower_photos.tgz"]
    for folder in (fetched / "tf_flowers", fetched):
        archives += [
            info.with_suffix("")
            for info in folder.glob("*.INFO")
            if json.loads(info.read_text("utf-8")).get("original_fname") == "flower_photos.tgz"
        ]
    archive = next((path for path in archives if path.is_file()), None)
    if archive is None:
        return (), {}
    photos, licence = [], ""
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if path.suffix == ".jpg" and path.parent.name in classes:
                    photos.append(Photo("/".join(path.parts[-2:]), classes.index(path.parent.name)))
                elif path.name == "LICENSE.txt" and (file := tar.extractfile(member)):
                    licence = file.read().decode("utf-8", errors="replace")
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{archive}, which holds the photos' file names, is damaged ({error}); copy it again, "
            "or delete it to do without the names"
        ) from error
    named = in_tfds_order(photos)
    return named, read_credits(licence, named)


def _about(builder: Any) -> dict[str, str]:
    info = builder.info
    texts = {
        "name": builder.name,
        "configuration": builder.builder_config.name if builder.builder_config else "",
        "version": info.version,
        "description": info.description.strip().split("\n\n")[0],
        "homepage": info.homepage,
        "citation": info.citation,
        "licence": info.redistribution_info.license,
        "features": _described(info.features),
        "splits": _described({name: split.num_examples for name, split in info.splits.items()}),
        "download size": info.download_size,
    }
    return {name: one_line(text) for name, text in texts.items() if text}


def _described(items: Mapping[str, object]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in items.items())
