"""Fabrics in colors and widths: a record whose rows are a matrix."""
