"""From a data set to published models; the only package of this repository that imports torch.

``python -m training`` lists the commands. A program that imports them calls ``declare_missing_operators`` first, see
``training.methods.torchvision_operators``.
"""
