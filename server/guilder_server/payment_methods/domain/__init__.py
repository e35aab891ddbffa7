"""Payment methods: frozen data and pure functions."""
