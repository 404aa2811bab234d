"""The routes of `transfer-learning serve`: what is asked, what is answered, what is counted."""

from __future__ import annotations

import base64
import io
import itertools
import json
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image
from served import CLASSES, Colours, Served, described, photo, serve


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serve() as running:
        yield running


def rows(server: Served, *instances: object, name: str = "colours") -> httpx.Response:
    return server.client.post(f"/v1/models/{name}:predict", json={"instances": instances})


def b64(content: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(content).decode()}


def test_a_raw_body_is_one_photo(server: Served) -> None:
    (answer,) = server.predict(photo("red")).json()["predictions"]

    assert answer["label"] == "red"
    assert answer["score"] == answer["probabilities"]["red"] > 0.99
    assert answer["sure"] is True
    assert sum(answer["probabilities"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "kind", ["image/jpeg", "application/octet-stream", "application/x-www-form-urlencoded", ""]
)
def test_a_raw_body_is_known_by_its_bytes_not_by_its_type(kind: str, server: Served) -> None:
    response = server.predict(photo("blue"), headers={"Content-Type": kind})

    assert response.json()["predictions"][0]["label"] == "blue"


def test_several_files_are_answered_in_their_order(server: Served) -> None:
    response = server.send(photo("blue"), photo("green"), photo("red"), photo("blue"))

    labels = [item["label"] for item in response.json()["predictions"]]
    assert labels == ["blue", "green", "red", "blue"]
    assert response.json()["model"] == "colours"


def test_a_file_may_hold_the_boundary_of_another_and_line_ends(server: Served) -> None:
    # A PNG's comment with what multipart bodies are made of.
    noise = photo("red") + b"\r\n--boundary\r\n\r\n--\r\n" * 1000

    response = server.send(noise, photo("green"))

    assert [item["label"] for item in response.json()["predictions"]] == ["red", "green"]


def test_only_the_most_probable_classes_are_listed_on_request(server: Served) -> None:
    (answer,) = server.predict(photo((90, 80, 70)), params={"top": 2}).json()["predictions"]

    assert list(answer["probabilities"]) == ["red", "green"]
    assert answer["sure"] is False


def test_a_photo_is_turned_upright_as_everywhere(server: Served) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (8, 4), "red")
    file = io.BytesIO()
    image.save(file, "JPEG", exif=exif)

    assert server.predict(file.getvalue()).status_code == 200


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 400, "the body is empty: curl --data-binary @FILE, or -F photo=@FILE"),
        (b"%PDF-1.4 this is a letter", 415, "no photo: not one of JPEG, PNG, BMP, GIF, WEBP"),
        (photo(kind="JPEG", size=(200, 200))[:700], 422, "cannot be decoded: "),
        (photo("red")[:20], 422, "the photo cannot be read: "),
    ],
)
def test_what_is_no_photo_has_a_status_and_a_line(
    content: bytes, status: int, reason: str, server: Served
) -> None:
    response = server.predict(content)

    assert response.status_code == status
    assert response.json()["error"].startswith(reason)
    assert "\n" not in response.json()["error"]


def test_16_bit_channels_are_refused_as_everywhere(server: Served) -> None:
    file = io.BytesIO()
    Image.new("I;16", (4, 4)).save(file, "PNG")

    response = server.predict(file.getvalue())

    assert (response.status_code, response.json()["error"]) == (
        422,
        "the photo cannot be read: it has more than 8 bits a channel; save it with 8",
    )


def test_one_broken_photo_among_many_fails_alone(server: Served) -> None:
    response = server.send(photo("red"), b"no photo", photo(kind="JPEG")[:600], b"", photo("blue"))

    assert response.status_code == 200
    answers = response.json()["predictions"]
    assert [item.get("label") for item in answers] == ["red", None, None, None, "blue"]
    assert [item.get("status") for item in answers] == [None, 415, 422, 422, None]


def test_a_file_that_is_alone_has_the_status_of_its_fault(server: Served) -> None:
    assert server.send(b"no photo").status_code == 415


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("multipart/form-data", b"x", "lacks its boundary"),
        ("multipart/form-data; boundary=a", b"--b\r\n", "the multipart body is wrong: "),
        ("multipart/form-data; boundary=a", b"", "ends before its last boundary"),
        ("multipart/form-data; boundary=a", b"--a--\r\n", "holds no file"),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--a--\r\n',
            "is no file",
        ),
        (
            "multipart/form-data; boundary=a",
            b'--a\r\nContent-Disposition: form-data; name="x"; filename="y"\r\n\r\n1\r\n',
            "ends before its last boundary",
        ),
    ],
)
def test_a_wrong_multipart_body_is_told(
    kind: str, content: bytes, reason: str, server: Served
) -> None:
    response = server.predict(content, headers={"Content-Type": kind})

    assert response.status_code == 400
    assert reason in response.json()["error"]


def test_a_compressed_body_is_not_unpacked(server: Served) -> None:
    response = server.predict(b"x", headers={"Content-Encoding": "gzip"})

    assert response.status_code == 415


@pytest.mark.parametrize("wrap", [lambda row: row, lambda row: {"image_bytes": row}])
def test_rows_of_tensorflow_serving_are_answered_as_there(wrap: type[dict], server: Served) -> None:
    response = rows(server, *(wrap(b64(photo(colour))) for colour in CLASSES))

    answers = response.json()["predictions"]
    assert [item["label"] for item in answers] == list(CLASSES)
    assert [item["probabilities"][place] for place, item in enumerate(answers)] == [
        item["score"] for item in answers
    ]
    assert set(answers[0]) == {"probabilities", "label", "score"}


def test_both_ways_give_the_same_answer(server: Served) -> None:
    content = photo((90, 80, 70), kind="JPEG")

    (one,) = server.predict(content).json()["predictions"]
    (other,) = rows(server, b64(content)).json()["predictions"]

    assert [one["probabilities"][name] for name in CLASSES] == other["probabilities"]


def test_a_broken_row_fails_alone(server: Served) -> None:
    response = rows(server, b64(photo("green")), b64(b"no photo"), {"b64": "%"})

    answers = response.json()["predictions"]
    assert [set(item) for item in answers[1:]] == [{"error"}, {"error"}]
    assert answers[0]["label"] == "green"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not JSON", "the body is not JSON"),
        (b"\xff", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body has no list of instances"),
        (b'{"instances": []}', "the body has no list of instances"),
        (b'{"instances": [1]}', "instance 0 has no text under b64"),
        (b'{"instances": [{"b64": 1}]}', "instance 0 has no text under b64"),
        (b'{"instances": [{"b64": "eHg="}], "signature_name": "pixels"}', "there is no signature"),
        (b'{"instances": [{"b64": "\xc3\xa9"}]}', "instance 0 is not base64"),
    ],
)
def test_a_wrong_body_of_rows_is_told(body: bytes, reason: str, server: Served) -> None:
    response = server.client.post("/v1/models/colours:predict", content=body)

    assert response.status_code == 400
    assert response.json()["error"].startswith(reason)


def test_another_model_is_not_here(server: Served) -> None:
    expected = {"error": "there is no model 'other' here, but 'colours'"}

    for response in (rows(server, name="other"), server.client.get("/v1/models/other")):
        assert (response.status_code, response.json()) == (404, expected)


def test_the_models_status_is_tensorflow_servings(server: Served) -> None:
    (version,) = server.client.get("/v1/models/colours").json()["model_version_status"]

    assert version["state"] == "AVAILABLE"


def test_metadata_says_what_answers_and_what_it_takes(server: Served) -> None:
    found = server.client.get("/metadata").json()

    assert found["classes"] == list(CLASSES)
    assert (found["threshold"], found["sure_accuracy"]) == (0.6, 0.95)
    assert found["metrics"]["accuracy"] == 0.91
    assert found["limits"]["photo_mb"] == 20
    assert "JPEG" in found["formats"]


def test_head_is_get_without_a_body(server: Served) -> None:
    head, get = (server.client.request(method, "/healthz") for method in ("HEAD", "GET"))

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.content))


def test_it_lives_and_is_ready(server: Served) -> None:
    assert server.client.get("/healthz").json() == {"status": "ok"}
    assert server.client.get("/readyz").json() == {"status": "ready"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/predict", 405), ("GET", "/x", 404), ("POST", "/predict?top=0", 422)],
)
def test_every_error_is_a_line_in_json(method: str, path: str, status: int, server: Served) -> None:
    response = server.client.request(method, path)

    assert response.status_code == status
    assert isinstance(response.json()["error"], str)


def test_metrics_count_requests_and_outcomes_and_nothing_of_a_photo() -> None:
    with serve() as server:
        server.send(photo("red"), photo((90, 80, 70)), b"no photo")
        server.client.get("/secret-name")
        text = server.client.get("/metrics").text

    lines = text.splitlines()
    assert 'served_photos_total{outcome="sure"} 1.0' in lines
    assert 'served_photos_total{outcome="unsure"} 1.0' in lines
    assert 'served_photos_total{outcome="refused"} 1.0' in lines
    assert 'served_requests_total{route="/predict",status="200"} 1.0' in lines
    assert 'served_requests_total{route="other",status="404"} 1.0' in lines
    assert "served_photos_waiting 0.0" in lines
    assert "served_held_bytes 0.0" in lines
    assert "secret" not in text
    # A class as a label would tell what the first photo was.
    assert '"red"' not in text


def test_nothing_of_a_request_is_logged_or_written(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    with serve() as server, monkeypatch.context() as patch:
        # A temporary file, even one without a name, would fail the request.
        patch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        files = [("photo", ("secret.bmp", photo("red", (1500, 1500), "BMP")))]
        assert server.client.post("/predict", files=files).status_code == 200
        server.client.get("/secret?secret=secret")

    out, err = capfd.readouterr()
    logged = [item for item in caplog.records if not item.name.startswith(("httpx", "httpcore"))]
    assert "secret" not in f"{logged}{out}{err}"


def test_every_route_is_described_with_its_errors_and_examples(server: Served) -> None:
    api = server.client.get("/openapi.json").json()

    assert set(api["paths"]) == {
        "/predict",
        "/v1/models/{name}:predict",
        "/v1/models/{name}",
        "/healthz",
        "/readyz",
        "/metadata",
        "/metrics",
    }
    for path, methods in api["paths"].items():
        for route in methods.values():
            assert route["summary"]
            assert "421" in route["responses"], path
            for status, response in route["responses"].items():
                if status != "200":
                    assert response["content"]["application/json"]["example"]["error"]
    predict = api["paths"]["/predict"]["post"]
    assert {"400", "403", "408", "413", "415", "422", "503"} <= set(predict["responses"])
    assert set(predict["requestBody"]["content"]) == {
        "multipart/form-data",
        "image/*",
        "application/octet-stream",
    }
    assert api["components"]["schemas"]["Predictions"]["example"]["model"]


def test_every_reference_in_the_description_leads_somewhere(server: Served) -> None:
    text = server.client.get("/openapi.json").text
    api = json.loads(text)

    for reference in set(itertools.chain(*_references(api))):
        found = api
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def _references(tree: object) -> Iterator[list[str]]:
    if isinstance(tree, dict):
        yield [tree["$ref"]] if isinstance(tree.get("$ref"), str) else []
        for value in tree.values():
            yield from _references(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _references(value)


def test_the_example_of_rows_is_one_that_is_answered(server: Served) -> None:
    api = server.client.get("/openapi.json").json()
    body = api["paths"]["/v1/models/{name}:predict"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]

    assert rows(server, *example["instances"]).json()["predictions"][0]["label"] == "red"


def test_hostile_names_of_classes_are_text() -> None:
    names = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "é\n,;")
    with serve(Colours(described(classes=names))) as server:
        page = server.client.get("/").text
        (answer,) = server.predict(photo("red")).json()["predictions"]

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert answer["label"] == names[0]
