"""The adapter to mitmproxy, the only place that imports it: sockets and TLS become the values of `proxy.door`."""
