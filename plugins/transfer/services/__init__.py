"""Imports run, paused and rolled back, exports, and the files that both give back."""
