"""Shows: the pages and interfaces of the running program."""
