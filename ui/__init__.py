"""What the app shows, as HTML and Markdown; layout and wiring are in app.py."""
