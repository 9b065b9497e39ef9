"""Does: enrols, dials what is due, records events, reconciles, explains. All it knows of time and carrier are ports."""
