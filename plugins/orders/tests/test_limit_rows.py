"""Limiting a role to sales channels: what there is, is offered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from core.access.models import UserRole
from core.auth.models import User

URL = "/admin/users/actions/limit_rows"


def test_channels_that_sold_are_boxes(
    signed_in: Callable[..., Any], make_user: Callable[..., User], make_order: Callable[..., Any]
) -> None:
    make_order(sales_channel="online")
    make_order(sales_channel="Souk Riyadh")
    owner, user = signed_in("owner"), make_user("viewer")
    asked = owner.send(URL, ids=user.id).text
    assert re.search(r'<option value="orders.order"[^>]*>Orders</option>', asked)
    assert re.search(r'<option value="sales_channel"[^>]*>Sales channel</option>', asked)
    boxes = re.findall(r'type="checkbox" name="argument.values" value="([^"]+)"', asked)
    assert boxes == ["Souk Riyadh", "online"]
    assert "Others, with commas" not in asked
    given = {"role": "viewer", "resource": "orders.order", "scope": "sales_channel", "values": boxes}
    owner.send(URL, ids=user.id, **{f"argument.{name}": value for name, value in given.items()})
    assert UserRole.get(UserRole.user == user).scopes == {"orders.order": {"sales_channel": boxes}}
    assert "Only Order: Souk Riyadh, online" in owner.get(f"/admin/users/{user.id}").text


def test_without_orders_channels_are_typed(signed_in: Callable[..., Any], make_user: Callable[..., User]) -> None:
    asked = signed_in("owner").send(URL, ids=make_user("viewer").id).text
    assert re.search(
        r'<input [^>]*name="argument.values"[^>]*type="text"|type="text"[^>]*name="argument.values"', asked
    )
