"""The commands of developers at their desks, which are clients of a server like any other."""
