"""Telemetry of a process: its metrics, the origins of deliveries, and its traces."""
