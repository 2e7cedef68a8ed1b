"""Scripts, styles and vendored libraries, served as they are."""
