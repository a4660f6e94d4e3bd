"""The pages of one Resource."""

from __future__ import annotations

from flask_admin import expose
from flask_admin.model import BaseModelView

from core.resources import Resource


class ResourceView(BaseModelView):  # type: ignore[misc]
    def __init__(self, resource: Resource) -> None:
        self.resource = resource
