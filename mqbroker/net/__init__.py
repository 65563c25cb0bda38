"""The network: listeners, TLS, PROXY headers, and the thin asyncio shell around the sans-I/O sessions."""
