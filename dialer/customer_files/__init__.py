"""Reads customer files: whatever a manager exports becomes customers, or rejects with a reason."""
