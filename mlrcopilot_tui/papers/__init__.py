"""Papers: from a PDF to title, abstract and sections with page numbers."""
