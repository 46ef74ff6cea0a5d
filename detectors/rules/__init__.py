"""Detection rules as data: their vocabulary, their loading, their matching and their own examples."""
