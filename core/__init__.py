"""The host: it knows users, roles, audit, resources, jobs, events and plugin loading. It does not know "order"."""

__version__ = "0.1.0"
