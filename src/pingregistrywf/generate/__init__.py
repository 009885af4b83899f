"""From a lowered chart to every artefact: text in templates, geometry in Python."""
