"""What was done and can be undone, for as long as the app is open."""
