"""An existing Dask scheduler, by whose workers hosts are examined from where the workers are."""
