"""Policy engines: Rego decided in process, by a child process, or by a server."""
