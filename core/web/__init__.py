"""The admin pages: base views, the pages of every Resource, forms, errors, headers."""

from core.web.base import AdminView, HomeView, MaktabTheme
from core.web.resource import ResourceView

__all__ = ["AdminView", "HomeView", "MaktabTheme", "ResourceView"]
