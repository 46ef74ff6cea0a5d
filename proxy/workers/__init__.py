"""Several processes behind the same ports: a supervisor, a nursery that loads and forks, and the workers that judge."""
