"""From a study file to rows on disk."""
