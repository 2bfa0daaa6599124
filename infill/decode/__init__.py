"""Decoding: one loop; policy, schedule and search are its arguments."""
