"""Everything of Lockgate that knows HTTP: adapter, pipeline, providers, policy, rewriting, streams, identity, audit."""
