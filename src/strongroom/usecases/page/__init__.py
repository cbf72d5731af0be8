"""The report as one page of HTML: `run.make_page` gathers the figures, writes them as markup, and puts the file in place."""
