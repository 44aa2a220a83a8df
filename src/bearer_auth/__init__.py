"""API keys for any Python web app."""
