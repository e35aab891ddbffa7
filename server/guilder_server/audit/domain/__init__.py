"""What an audit tells of a change: pure functions of what was and what is."""
