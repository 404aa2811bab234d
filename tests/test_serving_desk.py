"""Photos of several requests share one classifier."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import Colours, photo, serve


def test_photos_that_wait_together_are_computed_together() -> None:
    classifier = Colours()
    classifier.gate.clear()
    colours = ["red", "green", "blue"] * 5
    with serve(classifier) as server, ThreadPoolExecutor(len(colours)) as threads:
        answers = [threads.submit(server.predict, photo(colour)) for colour in colours]
        while server.service.desk.open < len(colours):
            time.sleep(0.01)
        classifier.gate.set()
        labels = [item.result().json()["predictions"][0]["label"] for item in answers]

    assert labels == colours
    # One stream, or two where the first photo's began before the second came.
    assert classifier.streams <= 2


def test_a_photo_alone_waits_for_no_other() -> None:
    classifier = Colours()
    with serve(classifier) as server:
        for _ in range(3):
            assert server.predict(photo()).status_code == 200

    assert classifier.streams == 3


def test_the_photos_of_a_client_that_went_away_are_dropped() -> None:
    classifier = Colours()
    classifier.gate.clear()
    with serve(classifier) as server, ThreadPoolExecutor(1) as threads:
        first = threads.submit(server.predict, photo("red"))
        while server.service.desk.open < 1:
            time.sleep(0.01)
        content = photo("blue")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
            )
            while server.service.desk.open < 2:
                time.sleep(0.01)
        while server.service.desk.open > 1:
            time.sleep(0.01)
        classifier.gate.set()
        assert first.result().status_code == 200

    assert classifier.answered == 1


def test_a_classifier_that_fails_fails_the_request_and_not_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    classifier = Colours(broken=True)
    with serve(classifier) as server:
        failed = server.send(photo("red"), photo("green"))
        ready = server.client.get("/readyz").status_code
        classifier.broken = False
        mended = server.predict(photo("red"))
        ready_again = server.client.get("/readyz").status_code

    assert (failed.status_code, failed.json()) == (500, {"error": "the classifier failed"})
    assert (ready, ready_again) == (503, 200)
    assert mended.status_code == 200
    # Once, with its cause, for whoever runs it.
    assert caplog.text.count("no more kernels") >= 1
