"""What the plugins of serving engines share: settings, sessions, and the requests under way."""
