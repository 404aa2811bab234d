"""Photos of several requests share one classifier."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from served import Colours, photo, serve

from transfer_learning.runtime import hardware


def test_every_client_gets_the_answer_to_its_own_photo() -> None:
    colours = ["red", "green", "blue"] * 20
    with serve() as server, ThreadPoolExecutor(16) as threads:
        answers = threads.map(lambda colour: server.predict(photo(colour)), colours)
        labels = [item.json()["predictions"][0]["label"] for item in answers]

    assert labels == colours


def test_the_photos_of_a_client_that_went_away_are_dropped() -> None:
    classifier = Colours()
    classifier.gate.clear()
    cores = hardware.cores()
    with serve(classifier) as server, ThreadPoolExecutor(cores) as threads:
        first = [threads.submit(server.predict, photo("red")) for _ in range(cores)]
        while server.service.desk.open < cores:
            time.sleep(0.01)
        content = photo("blue")
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: %d\r\n\r\n%s" % (len(content), content)
            )
            while server.service.desk.open < cores + 1:
                time.sleep(0.01)
        while server.service.desk.open > cores:
            time.sleep(0.01)
        classifier.gate.set()
        assert {item.result().status_code for item in first} == {200}

    assert classifier.answered == cores


def test_a_classifier_that_fails_fails_the_request_and_not_the_server(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    classifier = Colours(broken=True)
    with serve(classifier) as server:
        failed = server.predict(photo("red"))
        ready = server.client.get("/readyz").status_code
        classifier.broken = False
        mended = server.predict(photo("red"))
        ready_again = server.client.get("/readyz").status_code

    assert (failed.status_code, failed.json()) == (
        500,
        {"error": "the classifier failed; the server's log says why"},
    )
    assert (ready, ready_again) == (503, 200)
    assert mended.status_code == 200
    # With its cause, for whoever runs it.
    assert "no more kernels" in caplog.text
