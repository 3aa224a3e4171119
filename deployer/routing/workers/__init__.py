"""Several processes that pass requests on by one process's judgement."""
