"""What plugins that require orders may import: models for reading and joining, services for writing."""

from plugins.orders.models import Address, Adjustment, Order, OrderFact, OrderLine
from plugins.orders.services.axes import Fact
from plugins.orders.services.documents import OrderService
from plugins.orders.services.facts import record_facts
from plugins.orders.services.workflow import ORDER_WORKFLOW

__all__ = [
    "ORDER_WORKFLOW",
    "Address",
    "Adjustment",
    "Fact",
    "Order",
    "OrderFact",
    "OrderLine",
    "OrderService",
    "record_facts",
]
