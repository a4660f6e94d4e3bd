"""What the codes of the log are called where people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import runtime
from core.i18n import N_, _, __, told

SOURCES: Mapping[str, Any] = {
    "ui": __("Admin"), "api": __("API"), "cli": __("Command line"), "job": __("Job"), "import": __("Import"),
    "system": __("System"),
}  # fmt: skip
# For the catalogue: a code with blanks for its underscores is its own text, so that plugins name theirs with N_ too.
_CODES = (
    N_("Created"), N_("Updated"), N_("Deleted"), N_("Noted"), N_("Tags added"), N_("Tags removed"), N_("Tags undone"),
    N_("Enabled"), N_("Disabled"), N_("Signed in"), N_("Signed out"), N_("Sign in refused"), N_("Password changed"),
    N_("Password hashed anew"), N_("Token created"), N_("Token revoked"), N_("Role assigned"), N_("Role taken"),
    N_("Permissions changed"), N_("Password confirmed"), N_("Password refused"), N_("Plugin"),
    N_("View as started"), N_("View as ended"), N_("Session ended"), N_("Verified"), N_("Exported"), N_("Quarantined"),
    N_("Preference set"), N_("Unlocked"), N_("Canceled"), N_("Repeated"),
)  # fmt: skip
# Fields of records without pages, likewise.
_OF_PLUGINS_AND_CHECKS = (N_("Ok"), N_("Checked"), N_("Problem"), N_("Status"), N_("Version"), N_("Error"))


_FIELDS: Mapping[str, Any] = {
    "api": __("API token"), "expires_at": __("Expires"), "given": __("Given"), "role": __("Role"),
    "scopes": __("Limited to"), "resource": __("Kind of record"), "session": __("Session"), "taken": __("Taken"),
}  # fmt: skip


def actions() -> dict[str, str]:
    """{code: in words} of core's own actions and of all resources that there are now, by their words."""
    found = {text.lower().replace(" ", "_"): _in_words(text) for text in _CODES if text != "Plugin"}
    for declared in runtime.current().resources.values():
        found |= {one.name: str(one.label) for one in declared.actions}
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def action(resource: str, code: str) -> str:
    """An action of the log: the label of the resource's own command, else the code in words."""
    declared = runtime.current().resources.get(resource)
    command = declared.action(code) if declared else None
    return str(command.label) if command else _in_words(code, resource)


def kind(resource: str) -> str:
    """A kind of record: the label of the resource, else its name in words (its plugin is off, or it has no pages)."""
    declared = runtime.current().resources.get(resource)
    return str(declared.label) if declared else _in_words(resource.rpartition(".")[2], resource)


def kind_plural(resource: str) -> str:
    """Many of a kind, as its list is called."""
    declared = runtime.current().resources.get(resource)
    return str(declared.label_plural) if declared else kind(resource)


def field(name: str, resource: str = "") -> str:
    """A field of a change that no schema names, in words of the plugin of the resource."""
    return str(_FIELDS.get(name) or _in_words(name, resource))


def state(code: Any, resource: str) -> Any:
    """The state of a record without pages, in words of the plugin of the resource."""
    return _in_words(code, resource) if isinstance(code, str) and code else code


def actor(actor_id: int | None, name: str | None) -> str:
    """Who did it; `name`: of the user, None when there is none any more."""
    return name or {None: _("System"), 0: _("Nobody")}.get(actor_id, f"#{actor_id}")


def _in_words(code: str, resource: str = "") -> str:
    """As the plugin of the resource says it."""
    return told(f"{resource.partition('.')[0]}/", code.replace("_", " ").capitalize())
