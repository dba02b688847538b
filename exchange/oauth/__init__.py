"""The authorisation server: authorisation code with PKCE, client credentials, revocation, metadata."""
