"""The admin pages: base views, the pages of every Resource, forms, errors, headers."""

from core.web.base import AdminView, MaktabTheme, render
from core.web.resource import ResourceView

__all__ = ["AdminView", "MaktabTheme", "ResourceView", "render"]
