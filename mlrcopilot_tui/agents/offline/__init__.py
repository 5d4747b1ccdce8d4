"""The offline engine: rules, codemods and black-box search; no model, no key, no network."""
