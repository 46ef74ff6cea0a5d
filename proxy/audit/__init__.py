"""One event per exchange, chained, without a clear value."""
