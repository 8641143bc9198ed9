"""The app's page, its API endpoints and its MCP tools; ``page.build`` puts the page together, app.py serves it."""
