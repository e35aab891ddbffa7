"""PostgreSQL: the pool, merged reads, and the committer. Knows no capability."""
