"""Measurements that compare two ways of doing one thing on the same machine at the same time."""
