"""The business rules of orders; the only place that writes them."""
