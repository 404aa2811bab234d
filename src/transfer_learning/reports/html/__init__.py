"""``reports/index.html``: one page without network.  Import from here: ``page``."""
