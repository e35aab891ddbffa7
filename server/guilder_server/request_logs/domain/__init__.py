"""What a logged request is, and what of it may be kept."""
