"""Reads the YAML files that people write, and says of what is wrong in them where it is and how to mend it."""
