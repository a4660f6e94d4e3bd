"""The admin pages: base views, the pages of every Resource, forms, errors, headers."""

from core.web.base import AdminView, MaktabTheme, context, is_partial, preference, redirect
from core.web.home import HomeView
from core.web.resource import ResourceView

__all__ = ["AdminView", "HomeView", "MaktabTheme", "ResourceView", "context", "is_partial", "preference", "redirect"]
