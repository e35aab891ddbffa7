"""What whoever runs a server does with its accounts and their keys, straight in the database."""
