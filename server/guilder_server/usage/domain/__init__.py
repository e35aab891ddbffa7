"""What is counted, what a plan allows of it, and what follows when that is used up."""
