"""Pipeline steps: read /pfs/<input>, call a pure function, write /pfs/out."""
