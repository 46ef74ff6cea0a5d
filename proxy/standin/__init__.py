"""A stand-in provider on loopback, for the demonstration, the tests and the benchmark."""
