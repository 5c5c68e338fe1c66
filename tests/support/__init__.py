"""What several tests stand on; no test is in here."""
