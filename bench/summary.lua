-- What load.py reads: one line of JSON. Latencies are counted by wrk in microseconds.

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nsummary {"requests": %d, "seconds": %.6f, "refused": %d, "broken": %d, '
      .. '"p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000
  ))
end
