"""Names and badges of every state an order can be in; the status map of the design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.i18n import __
from core.resources import Badge

STATUS: Mapping[str, Any] = {
    "draft": __("Draft"),
    "pending": __("Pending"),
    "open": __("Open"),
    "completed": __("Completed"),
    "archived": __("Archived"),
    "canceled": __("Canceled"),
    "expired": __("Expired"),
}
KIND: Mapping[str, Any] = {"sale": __("Sale"), "credit": __("Credit")}
ADJUSTMENT: Mapping[str, Any] = {
    "discount": __("Discount"),
    "tax": __("Tax"),
    "shipping": __("Shipping"),
    "fee": __("Fee"),
    "difference": __("Difference to the imported total"),
}

STATUS_BADGES = {
    "draft": Badge(STATUS["draft"], "neutral", "empty"),
    "pending": Badge(STATUS["pending"], "warn", "empty"),
    "open": Badge(STATUS["open"], "info", "half"),
    "completed": Badge(STATUS["completed"], "ok", "full"),
    "archived": Badge(STATUS["archived"], "neutral", "full"),
    "canceled": Badge(STATUS["canceled"]),
    "expired": Badge(STATUS["expired"]),
}
PAYMENT_BADGES = {
    "unpaid": Badge(__("Unpaid"), "neutral", "empty"),
    "requires_action": Badge(__("Requires action"), "warn", "empty"),
    "partially_authorized": Badge(__("Part authorized"), "warn", "half"),
    "authorized": Badge(__("Authorized"), "warn", "half"),
    "partially_paid": Badge(__("Part paid"), "warn", "half"),
    "paid": Badge(__("Paid"), "ok", "full"),
    "overpaid": Badge(__("Overpaid"), "warn", "full"),
    "partially_refunded": Badge(__("Part refunded"), "alt", "half"),
    "refunded": Badge(__("Refunded"), "alt", "full"),
    "voided": Badge(__("Voided"), "neutral", "full"),
    "failed": Badge(__("Failed"), "bad"),
    "disputed": Badge(__("Disputed"), "bad"),
}
FULFILLMENT_BADGES = {
    "unfulfilled": Badge(__("Unfulfilled"), "warn", "empty"),
    "scheduled": Badge(__("Scheduled"), "neutral", "empty"),
    "on_hold": Badge(__("On hold"), "bad"),
    "in_progress": Badge(__("In progress"), "info", "empty"),
    "partially_fulfilled": Badge(__("Part shipped"), "warn", "half"),
    "fulfilled": Badge(__("Shipped"), "info", "full"),
    "partially_delivered": Badge(__("Part delivered"), "info", "half"),
    "delivered": Badge(__("Delivered"), "ok", "full"),
    "restocked": Badge(__("Restocked"), "alt", "full"),
}
RETURN_BADGES = {
    "none": Badge(__("No return")),
    "requested": Badge(__("Return requested"), "warn", "empty"),
    "in_progress": Badge(__("Return in progress"), "warn", "half"),
    "partially_returned": Badge(__("Part returned"), "alt", "half"),
    "returned": Badge(__("Returned"), "alt", "full"),
    "closed": Badge(__("Return closed"), "neutral", "full"),
}


def names(badges: Mapping[str, Badge]) -> dict[str, Any]:
    return {state: badge.label for state, badge in badges.items()}
