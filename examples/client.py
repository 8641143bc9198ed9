"""Asks a running Overread about a picture: python examples/client.py PICTURE [/histopathology|/chest_xray] [URL].

Needs nothing but `pip install gradio_client`.
"""

import sys

from gradio_client import Client, handle_file

picture, endpoint, url = (*sys.argv[1:], *["/histopathology", "http://127.0.0.1:7860"][len(sys.argv) - 2 :])
answer, overlay = Client(url, verbose=False).predict(handle_file(picture), "balanced", api_name=endpoint)

print(f"{answer['decision']}: {100 * answer['probability']:.1f} % probability of {answer['finding']}")
print(f"threshold {answer['operating_point']['threshold']:.3f}, model {answer['model']['name']}")
print(f"the picture with its evidence: {overlay}")
