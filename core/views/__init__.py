"""Saved views of lists: tabs, what they keep, and who sees and changes them."""

# fmt: off

from core.views.models import EVERYBODY, SavedView
from core.views.service import ViewService, document
from core.views.setup import DENSITIES, RESERVED, Setup, changed, differences, usual
from core.views.tabs import ALL, SHARE, Tab, fitting, may_edit, opened, saved, tabs, visible

__all__ = [
    "ALL", "DENSITIES", "EVERYBODY", "RESERVED", "SHARE", "SavedView", "Setup", "Tab", "ViewService", "changed",
    "differences", "document", "fitting", "may_edit", "opened", "saved", "tabs", "usual", "visible",
]
