"""Decides: pure functions over frozen values; the current instant is always an argument."""
