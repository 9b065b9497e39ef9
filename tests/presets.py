"""A preset file as a manager writes one, for tests of all that reads such files."""

from __future__ import annotations

OWN = """\
presets:
  - id: own
    kind: house
    country: US
    subdivisions: US-LA
    purposes: [sales, service]
    hours:
      mon-fri: [09:00-12:00, 13:00-17:00]
      sat: 24 h
      sun: closed
    holidays: { rule: closed, calendar: US, subdivision: LA, extra: ["12-24"], eve: 09:00-12:00 }
    caps:
      - { max: 2, period: local_day, counts: attempts, per: person }
    cooloffs:
      - { after: refused, wait: 30 days }
    abandonment: { max_rate: 0.01, of: calls, per: house, period: 7 days }
    appointment_lifts: no
    sources: [our own decision]
    confidence: high
    reviewed_on: 2026-11-21
"""
