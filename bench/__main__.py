"""All benchmarks: `make bench`."""

from bench import report_speed, worker_speed

report_speed.main()
worker_speed.main()
