"""What takes too long for every test run, and what is measured rather than tested."""
