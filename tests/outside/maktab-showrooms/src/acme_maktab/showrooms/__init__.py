"""Showrooms: where customers can see what we sell."""
