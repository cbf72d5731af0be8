"""Healing what audits found unsound: `run.repair` is the whole. Nothing is imported here: workers import single modules."""
