"""The console's listener: health, readiness, metrics and a status page."""
