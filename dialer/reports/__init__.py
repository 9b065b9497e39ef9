"""Tells: rows of the record in, tables out, for people, for spreadsheets and for scripts."""
