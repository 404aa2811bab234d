"""Who may ask the server, and what a browser may do with what it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from served import Served, photo, serve

from transfer_learning.serving.hosts import Hosts


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with serve(hosts=("photos.example.org",)) as running:
        yield running


@pytest.mark.parametrize(
    "host",
    ["localhost:8000", "127.0.0.1", "[::1]:8000", "192.168.1.7:80", "app.localhost", "LOCALHOST."],
)
def test_addresses_and_localhost_are_always_allowed(host: str) -> None:
    assert Hosts().allow(host)


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:8000", "1.2.3", "[x]"]
)
def test_a_strangers_name_for_this_machine_is_refused(host: str) -> None:
    assert not Hosts(("photos.example.org",)).allow(host)


def test_this_machines_own_name_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "Garden")

    assert Hosts().allow("garden:8000")
    assert Hosts().allow("garden.local")


def test_a_star_allows_every_name() -> None:
    assert Hosts(("*",)).allow("example.com")


def test_a_rebound_name_reads_nothing(server: Served) -> None:
    for path in ("/", "/metadata", "/metrics"):
        response = server.client.get(path, headers={"Host": "attacker.example.com"})

        assert response.status_code == 421
        assert response.json()["error"].endswith("transfer-learning serve --allow-host NAME")


def test_a_name_that_was_allowed_is_answered(server: Served) -> None:
    response = server.client.get("/healthz", headers={"Host": "photos.example.org"})

    assert response.status_code == 200


def test_a_page_of_another_site_cannot_send_photos(server: Served) -> None:
    statuses = [
        server.predict(photo(), headers={"Sec-Fetch-Site": site}).status_code
        for site in ("cross-site", "same-origin", "none")
    ]

    assert statuses == [403, 200, 200]


@pytest.mark.parametrize("path", ["/", "/docs", "/metadata", "/nothing", "/static/index.js"])
def test_every_answer_has_the_strict_policy(path: str, server: Served) -> None:
    headers = server.client.get(path).headers

    policy = dict(item.split(" ", 1) for item in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "server" not in headers


def test_answers_are_not_kept_by_caches(server: Served) -> None:
    assert server.predict(photo()).headers["Cache-Control"] == "no-store"


def test_no_file_outside_of_the_pages_is_given(server: Served) -> None:
    for name in ("index.html.j2", "..%2fapp.py", "%2e%2e/app.py", "nothing.js"):
        assert server.client.get(f"/static/{name}").status_code == 404
