"""Asks a running Overread about an image, with nothing but `pip install gradio_client`.

python examples/client.py film.jpeg --endpoint chest_xray --url https://OWNER-overread.hf.space
"""

import argparse
import shutil

from gradio_client import Client, handle_file

parser = argparse.ArgumentParser(description="Ask a running Overread about an image.")
parser.add_argument("image", help="image file: PNG, JPEG, TIFF, DICOM, ...")
parser.add_argument("--endpoint", choices=["histopathology", "chest_xray"], default="histopathology")
parser.add_argument("--url", default="http://127.0.0.1:7860", help="where Overread runs (default: %(default)s)")
parser.add_argument("--operating-point", choices=["screening", "balanced", "rule-in"], default="balanced")
parser.add_argument("--overlay", metavar="FILE", help="save the image with its heat map as this PNG file")
options = parser.parse_args()

client = Client(options.url, verbose=False)
answer, overlay = client.predict(
    image=handle_file(options.image), operating_point=options.operating_point, api_name=f"/{options.endpoint}"
)

print(f"{answer['decision']}: {100 * answer['probability']:.1f} % probability of {answer['finding']}")
print(f"threshold {100 * answer['operating_point']['threshold']:.1f} % ({answer['operating_point']['name']})")
print(f"model {answer['model']['name']}, revision {answer['model']['revision']}")
print(answer["disclaimer"])
if options.overlay:
    shutil.copy(overlay, options.overlay)
