"""REST from resources: lists with cursors, idempotency keys, optimistic locking, jobs, and an OpenAPI description."""

from __future__ import annotations

import functools
from typing import Any

import flask
import flask_smorest
from apispec.ext.marshmallow import MarshmallowPlugin

from core import access
from core.api import routes
from core.api.guards import KeptAnswer, RateCounter
from core.api.routes import Endpoint, selection, started
from core.api.shapes import Chosen, Problem, Started
from core.plugins.blame import blaming
from core.resources import ExactDecimal, Tags, Utc
from core.runtime import Runtime

__all__ = ["Chosen", "Endpoint", "KeptAnswer", "RateCounter", "Started", "init_app", "openapi", "selection", "started"]

_ABOUT = """Every call carries `Authorization: Bearer <token>`; a token does what its user may and its scopes allow.
Money is in minor units of `currency`, times are UTC. Lists have cursors: follow `next` until it is null.
A POST with an `Idempotency-Key` is done once; its answer is given again for 24 hours.
A PATCH with `If-Match` (the ETag of your copy) answers 412 when somebody was faster.
Errors are problems (RFC 9457) with texts by field. 600 calls a minute and token; see the RateLimit headers."""


class _Api(flask_smorest.Api):  # type: ignore[misc]
    ERROR_SCHEMA = Problem

    def _register_responses(self) -> None:
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/problem+json"
        super()._register_responses()
        self.DEFAULT_RESPONSE_CONTENT_TYPE = "application/json"


def init_app(app: flask.Flask, runtime: Runtime) -> None:
    """Put the API of every resource below /api/v1."""
    for resource in runtime.resources.values():
        with blaming(resource.plugin, f"The API of {resource.name}"):
            app.register_blueprint(routes.of_resource(resource))  # an _Api would describe it too, which takes its time
    app.register_blueprint(routes.of_jobs())
    describe = functools.cache(lambda: openapi(runtime))

    def document() -> Any:
        return flask.jsonify(describe())

    app.add_url_rule("/api/v1/openapi.json", "api_openapi", access.requires(access.SIGNED_IN)(document))


def openapi(runtime: Runtime) -> dict[str, Any]:
    """The OpenAPI 3.1 description of the API of this generation."""
    app = flask.Flask("maktab")
    app.config.update(API_TITLE="Maktab", API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=None)
    about = {"info": {"description": _ABOUT}, "security": [{"token": []}]}
    api = _Api(app, spec_kwargs=about | {"marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name)})
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    api.register_field(Utc, "string", "date-time")
    api.register_field(ExactDecimal, "string", "decimal")
    api.register_field(Tags, "array", None)
    for blueprint in (*map(routes.of_resource, runtime.resources.values()), routes.of_jobs()):
        api.register_blueprint(blueprint)
    described: dict[str, Any] = api.spec.to_dict()
    return described


def _name(schema: Any) -> str:
    """Supplier, or SupplierChange for a part of one."""
    cls, partial = (schema, False) if isinstance(schema, type) else (type(schema), schema.partial)
    return f"{cls.__name__.removesuffix('Schema')}{'Change' if partial else ''}"
