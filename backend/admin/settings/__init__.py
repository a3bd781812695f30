"""Settings of projects and of the installation: accounts, members, tokens, connection, changes."""
