"""Plugins of Acme for Maktab."""
