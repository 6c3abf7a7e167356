"""The ways to wake a host session, one module each; `choosing` says which one rings."""
