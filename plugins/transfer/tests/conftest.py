"""The databases, users and browsers of the project's own test bench."""

from tests.conftest import *  # noqa: F403
