"""Said to written: one small pure function an artefact."""
