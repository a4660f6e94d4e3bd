"""File formats of orders, and the demo shop.

Most of a format is data, a `Mapping`. Its `prepare` only adds what depends on several columns: amounts that are not
lines.
"""

from __future__ import annotations

from plugins.orders.formats.amazon import AMAZON, AMAZON_ALL, AMAZON_UNSHIPPED
from plugins.orders.formats.demo import DEMO
from plugins.orders.formats.shopify import SHOPIFY
from plugins.orders.formats.spree import SPREE
from plugins.orders.formats.woocommerce import WOOCOMMERCE

FORMATS = (SHOPIFY, AMAZON, AMAZON_UNSHIPPED, AMAZON_ALL, SPREE, WOOCOMMERCE)

__all__ = ["DEMO", "FORMATS"]
