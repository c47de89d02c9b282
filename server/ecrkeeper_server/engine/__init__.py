"""Reconcile: claim due resources, make one attempt on each, schedule the next."""
