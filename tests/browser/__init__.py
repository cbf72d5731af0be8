"""What people look at, in a real browser: `fixture.browser_page`, `accessible.assert_accessible`."""
