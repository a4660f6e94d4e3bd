"""Visits to suppliers: one implementation of every hook."""
