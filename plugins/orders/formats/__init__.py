"""File formats of orders, and the demo shop.

Most of a format is data, a `Mapping`. Its `prepare` only adds what depends on several columns: amounts that are not
lines.
"""

from __future__ import annotations

import json
from pathlib import Path

from plugins.orders.formats.amazon import AMAZON, AMAZON_ALL, AMAZON_UNSHIPPED
from plugins.orders.formats.common import RESOURCE
from plugins.orders.formats.shopify import SHOPIFY
from plugins.orders.formats.spree import SPREE
from plugins.orders.formats.woocommerce import WOOCOMMERCE
from plugins.transfer.api import DemoFile, Mapping

FORMATS = (SHOPIFY, AMAZON, AMAZON_UNSHIPPED, AMAZON_ALL, SPREE, WOOCOMMERCE)

_HOME = Path(__file__).parents[1] / "demo"
_MAPPING = json.loads((_HOME / "online_retail.json").read_text(encoding="utf-8"))
DEMO = DemoFile(RESOURCE, _HOME / "online_retail.csv.gz", Mapping.from_json(_MAPPING))
