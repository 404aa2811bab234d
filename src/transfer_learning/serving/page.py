"""The pages of the server, to drop photos on and of its API; they load nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import fastapi_offline
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from transfer_learning.classifier.manifest import Manifest
from transfer_learning.photos import pixels
from transfer_learning.serving.limits import Limits

TEMPLATES = Path(__file__).parent / "templates"
TYPES = {".css": "text/css", ".js": "text/javascript", ".png": "image/png"}
# Files of Swagger UI as the package fastapi-offline has them.
SWAGGER = ("swagger-ui.css", "swagger-ui-bundle.js")


def index(manifest: Manifest, limits: Limits) -> str:
    """Return the page on which a person tries the classifier."""
    template = _environment().get_template("index.html.j2")
    return template.render(model=manifest, limits=limits, formats=pixels.formats())


def docs(manifest: Manifest) -> str:
    """Return the page of the API."""
    return _environment().get_template("docs.html.j2").render(model=manifest)


def static() -> dict[str, tuple[bytes, str]]:
    """Return what the pages load, by name: its bytes and media type."""
    swagger = files(fastapi_offline) / "static"
    own = (path.name for path in TEMPLATES.iterdir())
    sources = {name: TEMPLATES / name for name in own if Path(name).suffix in TYPES}
    return {
        name: (source.read_bytes(), TYPES[Path(name).suffix])
        for name, source in [*sources.items(), *((name, swagger / name) for name in SWAGGER)]
    }


def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
