"""Users, their sessions and API tokens."""
# ruff: noqa: I001 -- names in lines, not one a line
# fmt: off

from core.auth.accounts import create_user, set_active, set_password, unlock
from core.auth.frame import current_context, init_app
from core.auth.models import ApiToken, LoginAttempt, Session, User
from core.auth.sessions import (
    SignInRefused, by_session, by_token, context_for, create_token, open_session, revoke_token, sign_in,
)
from core.auth.throttle import Throttled

__all__ = [
    "ApiToken", "LoginAttempt", "Session", "SignInRefused", "Throttled", "User", "by_session", "by_token",
    "context_for", "create_token", "create_user", "current_context", "init_app", "open_session", "revoke_token",
    "set_active", "set_password", "sign_in", "unlock",
]
