"""Certificates for development and tests. Nothing generated is kept in the repository."""
