"""The adapter to mitmproxy, and nothing else of the program imports it."""
