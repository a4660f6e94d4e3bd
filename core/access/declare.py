"""How a view says what it needs. Imports nothing of ours: views of every room use it while they are being imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

SIGNED_IN = "core.signed_in"
"""Held by every user who is signed in, whatever the roles."""

PUBLIC = frozenset({"/admin/sign-in", "/healthz", "/readyz", "/metrics"})
"""The only URL rules open to nobody, besides static files. `/metrics` asks for a token or loopback itself."""


def requires(permission: str, **by_method: str) -> Callable[[View], View]:
    """Declare what a view needs: `@requires("orders.order.view", POST="orders.order.edit")`.

    `{resource}` stands for the name of the view instance's resource.
    """

    def declare(view: View) -> View:
        view.__dict__["__permission__"] = {"": permission} | by_method
        return view

    return declare
