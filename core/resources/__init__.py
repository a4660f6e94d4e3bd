"""Resources: declare once, get list, detail, form, API, import and export, search, permissions and audit."""
# ruff: noqa: I001 -- names in lines, not one a line
# fmt: off

from core.resources.border import card_refused
from core.resources.deletion import delete_action
from core.resources.declaration import (
    Action, Badge, Column, Filter, Kind, Label, Level, Resource, Scope, Section, Tone, View, Waiting,
)
from core.resources.fields import Currency, ExactDecimal, FieldInfo, Minor, Option, Reference, Tags, Utc, schema_fields
from core.resources.query import ListState, Page, count, get, page, select
from core.resources.sets import Outcome, Selection
from core.resources.service import Service, service_of
from core.resources.traits import (
    Note, Tagging, TimelineEntry, add_note, add_tags, remove_tags, tag_actions, tags_of, timeline,
)
from core.resources.workflow import Transition, Workflow

__all__ = [
    "Action", "Badge", "Column", "Currency", "ExactDecimal", "FieldInfo", "Filter", "Kind", "Label", "Level",
    "ListState", "Minor", "Note", "Option", "Outcome", "Page", "Reference", "Resource", "Scope", "Section", "Selection",
    "Service", "Tagging", "Tags", "TimelineEntry", "Tone", "Transition", "Utc", "View", "Waiting", "Workflow",
    "add_note", "add_tags", "card_refused", "count", "delete_action", "get", "page", "remove_tags", "schema_fields",
    "select", "service_of", "tag_actions", "tags_of", "timeline",
]
