"""A dialer that keeps its promises: who is due, never when they rest, VIPs without exception, and why."""
