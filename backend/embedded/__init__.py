"""Real servers started on this machine when the settings name none."""
