"""Words for people: what a blocked person reads."""
