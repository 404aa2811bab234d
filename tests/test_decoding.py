"""What TensorFlow decodes, and what it refuses."""

from __future__ import annotations

import pytest
from photo_kinds import encoded, picture

from transfer_learning.photos.decoding import check_jpeg


def test_a_jpeg_that_tensorflow_decodes_passes() -> None:
    check_jpeg(encoded(picture(), "JPEG"))


def test_a_jpeg_cut_short_does_not_pass() -> None:
    with pytest.raises(ValueError, match="Invalid JPEG data"):
        check_jpeg(encoded(picture(), "JPEG")[:-20])


def test_what_is_no_jpeg_passes_unseen() -> None:
    check_jpeg(encoded(picture(), "PNG")[:-20])
