"""Carries plans out: one engine for deploy, rollback, undo and resume."""
