"""The benchmark: the gate beside bare mitmdump, in turns within one run, as CPU time of each server's own processes."""
