"""Pure: what a sheet may hold, reading it, checking every cell, repairing what is plain."""
